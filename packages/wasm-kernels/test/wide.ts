// Has a run's tests use the wide kernels with V8's revectorizer, whether they pay on this machine or not.
import { setFlagsFromString } from 'node:v8';
import { useFlavour } from '../src/heap.ts';
import { install, kernelReport } from '../src/install.ts';

setFlagsFromString('--experimental-wasm-revectorize');
install({ flavour: 'relaxed' });
useFlavour('wide');
if (kernelReport().flavour !== 'wide') throw new Error('the wide kernels are not in force');

// An engine in a process of its own: tfjs's backend stock or with our kernels in a flavour, as the
// first argument says, in as many threads as the second.
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { serve } from './serve.ts';
import { type TfjsEngineName, tfjsEngine } from './tfjs-engine.ts';

const name = process.argv[2] as TfjsEngineName;
const threads = Number(process.argv[3]);
const platform = `Node ${process.versions.node}, V8 ${process.versions.v8}`;

await serve(async () => {
  if (threads === 1) return tfjsEngine(name, platform);
  // Imported here only: it brings our kernels along, which the stock engine is to do without.
  const { classifierWorkers } = await import('@proj/recipes/node');
  return tfjsEngine(name, platform, (config) => classifierWorkers(threads).start(config));
});

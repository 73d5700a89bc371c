// An engine in a process of its own: tfjs's backend stock or with our kernels in a flavour, as the
// first argument says, in as many threads as the second.
import '@proj/ops/gradients';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { getBackend, setBackend, version_core } from '@tensorflow/tfjs-core';
import type { Task } from '../tasks.ts';
import { convolutionTask } from './convolution-task.ts';
import { fusedTask } from './fused-task.ts';
import { tfjsHeapBytes } from './inputs.ts';
import { peakTask } from './peak-task.ts';
import { productTask } from './product-task.ts';
import { type Prepared, serve } from './serve.ts';
import { inferenceTask, vitTrainingTask } from './vit-tasks.ts';

const flavour = process.argv[2] as 'stock' | 'cpu' | 'reproducible' | 'relaxed' | 'wide';
const threads = Number(process.argv[3]);

await serve(async () => {
  await setBackend(flavour === 'cpu' ? 'cpu' : 'wasm');
  if (flavour !== 'stock' && flavour !== 'cpu') {
    const { install, kernelReport } = await import('@proj/wasm-kernels/install');
    install({ flavour });
    const inForce = kernelReport().flavour;
    if (inForce !== flavour) throw new Error(`there is no ${flavour} flavour here, ${inForce} would be used`);
  }
  const kernels = flavour === 'stock' || flavour === 'cpu' ? '' : `@proj/wasm-kernels, ${flavour}, on `;
  return {
    about: `${kernels}tfjs-${getBackend()} ${version_core}, Node ${process.versions.node}, V8 ${process.versions.v8}`,
    prepare,
    heapBytes: tfjsHeapBytes,
  };
});

function prepare(task: Task): Promise<Prepared> | undefined {
  const stock = flavour === 'stock';
  switch (task.kind) {
    case 'peak':
      return Promise.resolve(peakTask(task.operation, flavour === 'wide'));
    case 'product':
      return Promise.resolve(productTask(task));
    case 'fused':
      return Promise.resolve(fusedTask(task));
    case 'inference':
      return inferenceTask(task, stock);
    case 'training':
      return vitTrainingTask(task, stock, threads);
    case 'convolution':
      // tfjs-wasm has no gradient of a convolution with respect to its filter.
      return stock ? undefined : Promise.resolve(convolutionTask(task));
  }
}

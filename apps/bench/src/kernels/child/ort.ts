// An engine in a process of its own: ONNX Runtime's package for the web or for Node. Arguments: its name, the folder that it is
// installed in, the number of
// threads, the folder of the models' files.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { vitConfig } from '@proj/vit/forward';
import { CHECKED, inputValues, type Task } from '../tasks.ts';
import type { Prepared } from './answer.ts';
import { elements, operandShapes, productGraph } from './ort-graphs.ts';
import { serve } from './serve.ts';

/** What is used of onnxruntime-common's interface, which both packages have. */
interface Runtime {
  readonly env: { readonly wasm: { numThreads?: number }; logLevel?: string };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(model: Uint8Array | string, options: object): Promise<Session>;
  };
}
interface OrtTensor {
  readonly data: Float32Array;
}
interface Session {
  readonly outputNames: readonly string[];
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

const [, , name, folder, threads, models] = process.argv as [
  ...[node: string, program: string],
  ...[name: string, folder: string, threads: string, models: string],
];

await serve(async () => {
  const load = createRequire(join(folder, 'package.json'));
  const runtime = load(name) as Runtime;
  const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  runtime.env.wasm.numThreads = Number(threads);
  return {
    about: `${name} ${version}`,
    prepare: (task) => prepare(runtime, task),
    heapBytes: () => null,
  };
});

function prepare(runtime: Runtime, task: Task): Promise<Prepared> | undefined {
  const input = (shape: readonly number[], seed: number) =>
    new runtime.Tensor('float32', inputValues(elements(shape), seed), shape);
  if (task.kind === 'product') {
    const [a, b] = operandShapes(task);
    const feeds = { a: input(a, 0), ...(!task.weight && { b: input(b, 1) }) };
    return session(runtime, productGraph(task), feeds);
  }
  if (task.kind === 'inference') {
    const { channels, imageSize } = vitConfig(task.model);
    return session(runtime, join(models, `${task.model}.onnx`), {
      images: input([task.batch, channels, imageSize, imageSize], 2),
    });
  }
  return undefined;
}

async function session(
  runtime: Runtime,
  model: Uint8Array | string,
  feeds: Readonly<Record<string, OrtTensor>>,
): Promise<Prepared> {
  const session = await runtime.InferenceSession.create(model, {
    executionProviders: [name === 'onnxruntime-web' ? 'wasm' : 'cpu'],
    intraOpNumThreads: Number(threads),
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const [output] = session.outputNames;
  return {
    async run() {
      await session.run(feeds);
    },
    check: async () => [...(await session.run(feeds))[output!]!.data.slice(0, CHECKED)],
    release() {
      // Nothing waits for the memory.
      void session.release();
    },
  };
}

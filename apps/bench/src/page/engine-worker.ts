/// <reference types="vite/client" />
// An engine in a worker of its own; the worker's name says which.
import '@tensorflow/tfjs-backend-cpu';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import { env } from '@tensorflow/tfjs-core';
import { answering, type Engine } from '../kernels/child/answer.ts';
import { type TfjsEngineName, tfjsEngine } from '../kernels/child/tfjs-engine.ts';
import type { Reply, Request } from '../kernels/tasks.ts';

/** A page cannot ask for processor time; nothing here reads it. */
const cpuSeconds = () => performance.now() / 1e3;

async function start(name: TfjsEngineName): Promise<Engine> {
  // Every engine computes in one thread, in an isolated page too.
  env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const absolute = (path: string) => new URL(path, self.location.href).href;
  // It wants to know of all, even of the one that is not used.
  setWasmPaths({
    'tfjs-backend-wasm.wasm': absolute(plain),
    'tfjs-backend-wasm-simd.wasm': absolute(simd),
    'tfjs-backend-wasm-threaded-simd.wasm': absolute(threaded),
  });
  if (name === 'webgl') await import('@tensorflow/tfjs-backend-webgl');
  return tfjsEngine(name, 'in this browser');
}

const reply = (message: Reply) => self.postMessage(message);
const failure = (error: unknown): Reply => ({
  failed: error instanceof Error ? error.message : String(error),
});

const engine = start(self.name as TfjsEngineName);
const answer = engine.then((engine) => answering(engine, cpuSeconds));
self.onmessage = async ({ data }: MessageEvent<Request>) => {
  try {
    reply(await (await answer)(data));
  } catch (error) {
    reply(failure(error));
  }
};
engine.then(
  ({ about }) => reply({ about }),
  (error: unknown) => reply(failure(error)),
);
// Told above.
answer.catch(() => {});

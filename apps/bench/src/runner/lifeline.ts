import { Worker } from 'node:worker_threads';

/**
 * Ties this process to its supervisor, which holds the other end of its standard input: when that closes, however it came about, this
 * process is gone at once; a byte in it means to stop. A thread of its own listens, since a task may compute for long without letting
 * the event loop turn.
 */
export async function holdLifeline(stop: () => void): Promise<{ check(): void }> {
  const asked = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL('./lifeline-thread.js', import.meta.url), { workerData: asked });
  thread.on('message', stop);
  await new Promise<void>((resolve, reject) => {
    thread.once('online', resolve);
    thread.once('error', reject);
  });
  thread.unref();
  return {
    /** Hears what the thread has heard, also when the event loop does not turn. */
    check() {
      if (Atomics.load(asked, 0) === 1) stop();
    },
  };
}

import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** What was asked of Redis waits as long as Redis is away. Who is to stop waits only so long, and gets `undefined`. */
export async function answerOf<T>(
  question: Promise<T>,
  signal: AbortSignal,
  patienceMs = 0,
): Promise<T | undefined> {
  const settled = new AbortController();
  const outOfPatience = async () => {
    if (!signal.aborted) await once(signal, 'abort', { signal: settled.signal });
    await wait(patienceMs, undefined, { signal: settled.signal });
    return undefined;
  };
  try {
    return await Promise.race([question, outOfPatience()]);
  } finally {
    settled.abort();
  }
}

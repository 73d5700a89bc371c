import { Redis } from 'ioredis';
import { BenchError } from '../error.ts';
import { shownUrl } from './url.ts';

/**
 * A connection that comes back whenever it is lost, once it has stood: commands wait meanwhile.
 *
 * @throws {BenchError} BENCH_QUEUE when there is no Redis that lets us in.
 */
export async function connect(url: string): Promise<Redis> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url))
    throw unreachable(url, 'it is not of the form redis://host:6379');
  let stood = false;
  let reason = '';
  // As redis-cli does: a password in the URL can be read in the list of processes.
  const password = process.env['REDISCLI_AUTH'];
  const redis = new Redis(url, {
    ...(password !== undefined && new URL(url).password === '' && { password }),
    lazyConnect: true,
    connectTimeout: 10_000,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (stood ? Math.min(200 * times, 5000) : null),
  });
  redis.on('error', (error) => {
    reason = error.message;
  });
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    redis.disconnect();
    throw unreachable(url, reason || (error as Error).message);
  }
  stood = true;
  return redis;
}

const unreachable = (url: string, reason: string) =>
  new BenchError(
    'BENCH_QUEUE',
    `there is no queue at ${shownUrl(url)} (${reason}); start Redis there (redis-server --appendonly yes), or check the address, and the password (in REDISCLI_AUTH, or in the URL).`,
  );

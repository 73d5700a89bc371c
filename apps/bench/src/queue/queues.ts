import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { BenchError } from '../error.ts';
import type { Store } from '../runner/store.ts';
import { connect } from './connection.ts';
import type { Delivery } from './delivery.ts';
import { type Capacity, queueName, type Requirement } from './requirement.ts';
import { shownUrl } from './url.ts';

export const prefix = 'proj-bench';
const requirementsKey = `${prefix}-requirements`;
const workersKey = `${prefix}-workers`;
const storeKey = `${prefix}-store`;

/** A worker that has been heard of lately. */
export interface WorkerInfo extends Capacity {
  readonly host: string;
  readonly pid: number;
}

export type JobQueue = Queue<Delivery, null, string>;

/** All that lies in one Redis: a BullMQ queue for each requirement, the list of those, and the workers that live. */
export class Queues {
  readonly redis: Redis;
  readonly #open = new Map<string, JobQueue>();

  private constructor(redis: Redis) {
    this.redis = redis;
  }

  /**
   * The queues of a Redis, which belong to the store that they were first opened with.
   *
   * @throws {BenchError} BENCH_QUEUE when Redis cannot be reached, or the store is another.
   */
  static async open(url: string, store?: Store): Promise<Queues> {
    const queues = new Queues(await connect(url));
    if (store !== undefined) {
      const id = await storeId(store);
      await queues.redis.set(storeKey, id, 'NX');
      if ((await queues.redis.get(storeKey)) !== id) {
        await queues.close();
        throw new BenchError(
          'BENCH_QUEUE',
          `the queue at ${shownUrl(url)} belongs to another folder of results than ${store.root}; give --store the shared folder that its other users have. For a second folder take a database of its own (redis://host:6379/1); where the first one is gone, empty its queue (redis-cli FLUSHDB).`,
        );
      }
    }
    return queues;
  }

  named(name: string): JobQueue {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const queue: JobQueue = new Queue(name, { connection: this.redis, prefix });
    // Lost connections come back by themselves; a command that cannot be carried out rejects.
    queue.on('error', () => {});
    this.#open.set(name, queue);
    return queue;
  }

  /** Lets workers know that there are jobs that want this. */
  async register(requirement: Requirement): Promise<void> {
    await this.redis.hset(requirementsKey, queueName(requirement), JSON.stringify(requirement));
  }

  async requirements(): Promise<Requirement[]> {
    const all = await this.redis.hvals(requirementsKey);
    return all.map((text) => JSON.parse(text) as Requirement);
  }

  async announce(worker: WorkerInfo, forMs: number): Promise<void> {
    await this.redis.zadd(workersKey, Date.now() + forMs, JSON.stringify(worker));
  }

  async withdraw(worker: WorkerInfo): Promise<void> {
    await this.redis.zrem(workersKey, JSON.stringify(worker));
  }

  async workers(): Promise<WorkerInfo[]> {
    await this.redis.zremrangebyscore(workersKey, '-inf', Date.now());
    const all = await this.redis.zrange(workersKey, 0, -1);
    return all.map((text) => JSON.parse(text) as WorkerInfo);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((queue) => queue.close()));
    this.redis.disconnect();
  }
}

/** What is the same on all machines that share the folder, and whoever comes first writes down. */
async function storeId({ root }: Store): Promise<string> {
  const file = join(root, 'queue-id');
  const known = await readFile(file, 'utf8').catch(() => undefined);
  if (known !== undefined) return known;
  await mkdir(root, { recursive: true });
  const mine = `${file}.${randomUUID()}`;
  await writeFile(mine, randomUUID());
  // Whole from the first moment, and never replaced.
  await link(mine, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(mine);
  return readFile(file, 'utf8');
}

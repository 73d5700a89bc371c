import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Router } from 'express';
import { Queues } from './queues.ts';
import { queueName } from './requirement.ts';

export interface Dashboard {
  readonly router: Router;
  close(): Promise<void>;
}

/**
 * The bull-board pages of a queue, to be mounted at `path`. They only show: whether a job is tried again is said by the store, and
 * `bench retry` changes that.
 *
 * @throws {BenchError} BENCH_QUEUE.
 */
export async function dashboard(url: string, path = '/queues'): Promise<Dashboard> {
  const queues = await Queues.open(url);
  const serverAdapter = new ExpressAdapter().setBasePath(path);
  const board = createBullBoard({
    queues: [],
    serverAdapter,
    options: { uiConfig: { boardTitle: 'bench' } },
  });
  const shown = new Set<string>();
  const router = Router();
  // New plans bring new queues.
  router.use(async (_request, _response, next) => {
    for (const name of (await queues.requirements()).map(queueName).filter((name) => !shown.has(name))) {
      shown.add(name);
      board.addQueue(new BullMQAdapter(queues.named(name), { readOnlyMode: true }));
    }
    next();
  });
  router.use(serverAdapter.getRouter() as Router);
  return { router, close: () => queues.close() };
}

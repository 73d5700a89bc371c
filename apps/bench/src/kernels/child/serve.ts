import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Reply, Request } from '../tasks.ts';
import { answering, type Engine } from './answer.ts';

/** Where replies go: standard output belongs to whatever the engine itself prints. */
const REPLIES = 3;
const reply = (message: Reply) => writeSync(REPLIES, `${JSON.stringify(message)}\n`);

/** Answers requests on standard input, one after the other, until it ends. */
export async function serve(start: () => Promise<Engine>): Promise<void> {
  try {
    const engine = await start();
    const answer = answering(engine, cpuSeconds);
    reply({ about: engine.about });
    for await (const line of createInterface({ input: process.stdin })) {
      try {
        reply(await answer(JSON.parse(line) as Request));
      } catch (error) {
        reply(failure(error));
      }
    }
  } catch (error) {
    reply(failure(error));
  }
  process.exit();
}

/** Of the whole process. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** The message for the table; the stack goes to standard error. */
function failure(error: unknown): Reply {
  const { stack, message } = error as Error;
  process.stderr.write(`${stack ?? error}\n`);
  return { failed: message ?? String(error) };
}

import type { TrainEvent } from '@proj/trainer';
import { commandLine } from './command-line.ts';
import { CliError, exitCode } from './exit.ts';
import type { Output } from './output.ts';
import type { Progress } from './progress.ts';

export type TrainingEvent<K extends TrainEvent<never>['kind']> = Extract<TrainEvent<never>, { kind: K }>;
type Ended = TrainingEvent<'stopped' | 'done'>;

/** Shows a training as it goes, hands what else it tells to `other`, and returns how it ended. */
export async function showTraining<Other extends { readonly kind: string } = never>(
  events: AsyncIterable<TrainEvent<never> | Other>,
  output: Output,
  other?: (event: Other) => void | Promise<void>,
): Promise<Ended> {
  let bar: Progress | undefined;
  try {
    for await (const event of events) {
      if (is(event, 'stopped') || is(event, 'done')) return event;
      if (is(event, 'start')) {
        if (event.resumed) output.note(`going on from step ${event.step} of ${event.totalSteps}`);
        bar = output.progress('training', event.totalSteps);
      } else if (is(event, 'step')) {
        bar?.update(
          event.step,
          `epoch ${event.epoch + 1}  loss ${event.loss.toFixed(3)}  ${event.imagesPerSecond.toFixed(0)} img/s`,
        );
      } else {
        await other?.(event as Other);
      }
    }
  } finally {
    bar?.end();
  }
  throw new Error('the training ended without saying how');
}

/** Calls `begin` when the first event tells that the training has refused nothing. */
export async function* onceBegun<Event extends { readonly kind: string }>(
  events: AsyncIterable<Event>,
  begin: () => Promise<void>,
): AsyncGenerator<Event> {
  let begun = false;
  for await (const event of events) {
    if (!begun && event.kind !== 'stopped') await begin();
    begun = true;
    yield event;
  }
}

const is = <K extends TrainEvent<never>['kind']>(
  event: { readonly kind: string },
  kind: K,
): event is TrainingEvent<K> => event.kind === kind;

/** What a training that Ctrl-C has stopped ends with: how to go on. `args` is the whole command line. */
export function interrupted(
  { step, totalSteps }: TrainingEvent<'stopped'>,
  args: readonly string[],
): CliError {
  const again = commandLine(args.filter((arg) => arg !== '--force'));
  return new CliError(
    'CLI_INTERRUPTED',
    exitCode.interrupted,
    `stopped at step ${step} of ${totalSteps}, checkpoint written; go on with:\n  ${again}`,
  );
}

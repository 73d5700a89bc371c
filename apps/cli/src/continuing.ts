import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { QuantizationRecipe } from '@proj/recipes';
import type { Checkpoint } from '@proj/trainer';
import { CliError, exitCode, usageError } from './exit.ts';

interface Continuation {
  readonly out: string;
  readonly continueFrom?: string;
  readonly cgaEpochs?: number;
  readonly calibrateOnly?: boolean;
}

const hint = (out: string): string =>
  `To anneal a training without --cga-epochs once it is finished, give the same command with --continue-from ${out} and another --out.`;

/** What else to do where a finished folder is in the way of somebody who may want to anneal it. */
export const annealInstead = ({ out, continueFrom, cgaEpochs = 0 }: Continuation): string =>
  cgaEpochs > 0 && continueFrom === undefined ? ` ${hint(out)}` : '';

/** Refuses a --continue-from that the other options leave nothing to do. */
export function checkContinuation({ out, continueFrom, calibrateOnly }: Continuation): void {
  if (continueFrom === undefined) return;
  if (calibrateOnly === true)
    throw usageError('--continue-from anneals a training, which --calibrate-only leaves out.');
  if ([out, join(out, 'checkpoint.safetensors')].some((own) => resolve(own) === resolve(continueFrom))) {
    throw usageError(`--continue-from ${continueFrom} lies where this is to write; choose another --out.`);
  }
}

/** The checkpoint that --continue-from names, itself or by its folder. */
export async function finishedTraining(
  { continueFrom }: Continuation,
  { annealing }: QuantizationRecipe,
): Promise<Checkpoint | undefined> {
  if (continueFrom === undefined) return undefined;
  if (annealing === undefined) throw usageError('--continue-from anneals a training; give --cga-epochs too.');
  const there = await stat(continueFrom).catch(() => undefined);
  const file = there?.isDirectory() === true ? join(continueFrom, 'checkpoint.safetensors') : continueFrom;
  const { checkpointFile } = await import('@proj/trainer/node');
  const checkpoint = await checkpointFile(file).load();
  if (checkpoint !== undefined) return checkpoint;
  throw new CliError(
    'CLI_NO_CHECKPOINT',
    exitCode.noInput,
    `--continue-from ${continueFrom}: there is no ${file}; give the folder that proj quantize wrote into.`,
  );
}

/** Refuses to go on with the checkpoint of a training without annealing where annealing is wanted, and says how to have it. */
export function refuseTraining(
  checkpoint: Checkpoint,
  recipe: QuantizationRecipe,
  { out }: Continuation,
): void {
  if (recipe.annealing === undefined || checkpoint.config['annealingEpochs'] !== undefined) return;
  throw new CliError(
    'CLI_NOT_ANNEALED',
    exitCode.data,
    `the checkpoint in ${out} is that of a training without annealing, with which this one cannot go on. ${hint(out)}`,
  );
}

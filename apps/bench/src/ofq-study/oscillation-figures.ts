import { oscillatingLayers, scaleTrajectories } from '../oscillation/layers.ts';
import {
  boundaryOverTime,
  flipsOverTime,
  oscillatingOverTime,
  turnsOverTime,
} from '../oscillation/over-time.ts';
import type { Method as Watched, WatchedRun } from '../oscillation/watched.ts';
import { weightHistogram } from '../oscillation/weight-histogram.ts';
import type { Section } from '../report/section.ts';
import { oscillationOf } from '../tasks/oscillation-file.ts';
import type { Method } from './methods.ts';
import type { Quantized, StudyResults } from './results.ts';

interface WatchedRow {
  readonly bits: number;
  readonly method: Method;
  readonly runs: readonly { readonly quantized: Quantized }[];
}

/** What the weights of the models with the fewest bits did meanwhile. */
export async function oscillationFigures(
  rows: readonly WatchedRow[],
  results: StudyResults,
): Promise<Section[]> {
  const fewest = Math.min(...rows.map(({ bits }) => bits));
  const shown: { readonly row: WatchedRow; readonly watched: Watched }[] = [];
  for (const row of rows.filter(({ bits, runs }) => bits === fewest && runs.length > 0)) {
    const runs = await Promise.all(row.runs.map(({ quantized }) => watchedRun(quantized, results)));
    if (runs.every(({ lines }) => lines.length > 0))
      shown.push({ row, watched: { name: row.method.name, runs } });
  }
  if (shown.length === 0) return [];
  const all = shown.map(({ watched }) => watched);
  const stage = stageOf(shown[0]!.row.runs[0]!.quantized);
  return [
    oscillatingOverTime(all, stage),
    flipsOverTime(all, stage),
    boundaryOverTime(all, stage),
    turnsOverTime(all, stage),
    oscillatingLayers(all),
    ...shown
      .filter(({ row }) => ['lsq', 'qkr', 'ofq'].includes(row.method.key))
      .flatMap(({ row, watched }) => [
        scaleTrajectories(watched, 'blocks.0', stage.step),
        weightHistogram(watched, row.runs[0]!.quantized.config.design),
      ]),
  ];
}

async function watchedRun(quantized: Quantized, results: StudyResults): Promise<WatchedRun> {
  const before = results.before(quantized);
  const own = await oscillationOf(quantized);
  return {
    seed: quantized.seed,
    from: before === undefined ? [quantized] : [before, quantized],
    lines: [...(before === undefined ? [] : await oscillationOf(before)), ...own],
  };
}

/** All methods begin their end at the same step. */
function stageOf({ config, result }: Quantized): { readonly step: number; readonly name: string } {
  const last = config.annealing?.epochs ?? config.cooldownEpochs;
  const epochs = config.epochs + last;
  return { step: (result.steps * config.epochs) / epochs, name: 'the end at the least rate' };
}

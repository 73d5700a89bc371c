import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { corruptionNames } from '@proj/corruptions';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { Command, InvalidArgumentError } from 'commander';
import { requireCorruption } from '../demo/jobs.ts';
import { share } from '../demo/page.ts';
import type { DemoResults } from '../demo/results.ts';
import { runDemo } from '../demo/run.ts';
import { interruption } from './interruption.ts';
export const demoCommand = (): Command =>
  new Command('demo')
    .description('train a small model on digits, patch robustness into it, take it out again, write a report')
    .option(
      '-c, --corruption <names>',
      `comma-separated, of: ${corruptionNames.join(', ')}`,
      parseCorruptions,
      ['fog' as const, 'impulse_noise' as const],
    )
    .option('-s, --seed <number>', 'seed of every random draw', parseSeed, 0)
    .option('-o, --out <folder>', 'where models, signatures and the report go', 'demo-results')
    .option('--json', 'print the results as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run demo\n  npm run demo -- --corruption contrast,brightness --seed 7',
    )
    .action(
      async (options: {
        corruption: ReturnType<typeof parseCorruptions>;
        seed: number;
        out: string;
        json?: boolean;
      }) => {
        const bar = new SingleBar({
          format: '{bar} {percentage} %  ETA {eta_formatted}  {detail}',
          stream: process.stderr,
          noTTYOutput: true,
          notTTYSchedule: 10_000,
          etaBuffer: 500,
          barsize: 24,
          hideCursor: true,
        });
        const results = await runDemo(
          {
            corruptions: options.corruption,
            seed: options.seed,
            folder: options.out,
            signal: interruption(),
          },
          (event) => {
            if (event.kind === 'plan') bar.start(event.passes, 0, { detail: 'starting' });
            else bar.update(event.passes, { detail: event.detail });
          },
        ).finally(() => bar.stop());
        if (options.json === true) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
        else process.stdout.write(summary(results, options.out));
        if (!results.removal.equal) throw new Error('removal did not restore the standard model');
      },
    );

function parseCorruptions(text: string) {
  try {
    return [...new Set(text.split(','))].map(requireCorruption);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!Number.isSafeInteger(seed)) throw new InvalidArgumentError('it must be an integer.');
  return seed;
}

function summary({ corruptions, together, removal, seconds }: DemoResults, folder: string): string {
  const percent = (value: number) => `${value.toFixed(1)} %`;
  const table = new Table({
    head: ['test images', 'standard', 'patched', 'all patches', 'robust', 'share of gain', 'signature'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const [
    i,
    { corruption, standard, patched, robust, shareOfGain, signature },
  ] of corruptions.entries()) {
    const all = together.corrupted[i]!.accuracy;
    table.push(
      [
        corruption,
        percent(standard.corrupted),
        percent(patched.corrupted),
        percent(all),
        percent(robust.corrupted),
        share(shareOfGain),
        `${signature.units} units, α ${signature.alpha}`,
      ],
      [
        '  clean',
        percent(standard.clean),
        percent(patched.clean),
        percent(together.clean),
        percent(robust.clean),
        '',
        `${signature.bytes} B, ${signature.ratio.toFixed(1)}x smaller`,
      ],
    );
  }
  const report = join(folder, 'report.html');
  return [
    table.toString(),
    `SHA-256 before patching  ${removal.before}`,
    `SHA-256 after removal    ${removal.after.map(({ sha256 }) => sha256).join(' ')} ${removal.equal ? '(equal)' : '(DIFFERENT)'}`,
    `Done in ${Math.round(seconds)} s. Report: ${relative('.', report)} (${pathToFileURL(report).href})`,
    `Models and signatures are in ${folder}; look at one: npm run proj -- inspect ${join(folder, 'patched.safetensors')}`,
    '',
  ].join('\n');
}

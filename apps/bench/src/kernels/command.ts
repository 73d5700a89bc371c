import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { type Command, InvalidArgumentError } from 'commander';
import { type EngineName, engineNames } from './engines.ts';
import { type GroupName, groupNames } from './groups.ts';
import { markdown, measured } from './markdown.ts';
import type { KernelResults } from './results.ts';
import { measureKernels } from './run.ts';
import { reasons, tables } from './tables.ts';

interface Options {
  readonly only: readonly GroupName[];
  readonly engines: readonly EngineName[];
  readonly rounds: number;
  readonly quick?: boolean;
  readonly node?: string;
  readonly json?: string;
  readonly out?: string;
}

/** Adds `bench kernels`: parse, measure, show. */
export function addKernelsCommand(program: Command, signal: AbortSignal): void {
  program
    .command('kernels')
    .description('time the kernels against tfjs, ONNX Runtime and PyTorch, interleaved in one run')
    .option(
      '--only <groups>',
      `comma-separated, of: ${groupNames.join(', ')}`,
      listOf(groupNames),
      groupNames,
    )
    .option(
      '--engines <names>',
      `comma-separated, of: ${engineNames.join(', ')}`,
      listOf(engineNames),
      engineNames,
    )
    .option('--rounds <number>', 'samples of each engine', parseRounds, 9)
    .option('--quick', 'the smallest sizes: tries the benchmark out, measures nothing')
    .option('--node <file>', 'the Node to run engines in (default: this one from 24 on, else one from npm)')
    .option('--json <file>', 'write all numbers as JSON')
    .option('--out <file>', 'write the tables as Markdown')
    .addHelpText(
      'after',
      "\nPeers are installed in the user's cache folder on first use; PyTorch is used where python3 has it.\n\nExamples:\n  npm run bench -- kernels\n  npm run bench -- kernels --only products --engines stock,relaxed --rounds 5",
    )
    .action(async (options: Options) => {
      // What cannot be written is found out before the work, not after it.
      for (const file of [options.json, options.out]) {
        if (file === undefined) continue;
        await mkdir(dirname(file), { recursive: true });
        await appendFile(file, '');
      }
      const results = await withProgress(signal, options);
      if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
      if (options.out !== undefined) await writeFile(options.out, markdown(results));
      process.stdout.write(text(results));
    });
}

async function withProgress(signal: AbortSignal, options: Options): Promise<KernelResults> {
  const bar = new SingleBar({
    format: '{bar} {percentage} %  ETA {eta_formatted}  {detail}',
    stream: process.stderr,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
    etaBuffer: 500,
    barsize: 24,
    hideCursor: true,
  });
  const command = ['npm run bench -- kernels', ...process.argv.slice(3)].join(' ');
  let started = false;
  try {
    return await measureKernels({ ...options, quick: options.quick === true, command, signal }, (event) => {
      if (event.kind === 'note') {
        process.stderr.write(`${event.message}\n`);
        return;
      }
      if (!started) bar.start(event.total, 0, { detail: event.detail });
      started = true;
      bar.update(event.done, { detail: event.detail });
    });
  } finally {
    bar.stop();
  }
}

function text(results: KernelResults): string {
  const parts = tables(results).map(({ title, note, head, rows }) => {
    const table = new Table({
      head: [...head],
      style: { head: [], border: [] },
      colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    });
    table.push(...rows.map((row) => [...row]));
    return `\n${title}\n${note}\n${table}`;
  });
  const engines = engineNames.flatMap((name) =>
    results.engines[name] === undefined ? [] : `${name}: ${results.engines[name]}`,
  );
  return `${[...engines, measured(results), ...parts, '', ...reasons(results)].join('\n')}\n`;
}

function listOf<T extends string>(known: readonly T[]): (text: string) => readonly T[] {
  return (text) =>
    [...new Set(text.split(','))].map((name) => {
      const found = known.find((one) => one === name);
      if (found === undefined)
        throw new InvalidArgumentError(`there is no "${name}"; choose from ${known.join(', ')}.`);
      return found;
    });
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isSafeInteger(rounds) || rounds < 1)
    throw new InvalidArgumentError('it must be a positive integer.');
  return rounds;
}

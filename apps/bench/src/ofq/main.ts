// Compares the built packages with the OFQ reference code's outputs: npm run fixtures:ofq -- [--dir FOLDER] [--json]
import { fileURLToPath } from 'node:url';
import { openFixtures } from '@proj/fixtures';
import Table from 'cli-table3';
import { Command } from 'commander';
import { compareOfq, type OfqRow, passes } from './compare.ts';
import { availableEngines } from './engines.ts';

const { dir, json } = new Command('fixtures:ofq')
  .description(
    "compare with the paper's code: max abs difference of every case, on every engine that can be had here",
  )
  .option('--dir <folder>', 'another folder of the same form')
  .option('--json', 'print JSON')
  .parse()
  .opts<{ dir?: string; json?: boolean }>();

const folder = openFixtures(dir ?? fileURLToPath(new URL('../../../../fixtures/ofq', import.meta.url)));
const engines = availableEngines();
const columns: OfqRow[][] = [];
for (const engine of engines) columns.push(await compareOfq(folder, engine));
const cases = columns[0]!.map((row, i) => ({ row, rows: columns.map((column) => column[i]!) }));
const failed = cases.filter(({ rows }) => !rows.every(passes));

if (json === true) {
  const byEngine = Object.fromEntries(engines.map((engine, i) => [engine, columns[i]!]));
  process.stdout.write(
    `${JSON.stringify({ schema: 'proj.fixtures.ofq/2', folder: folder.path, engines: byEngine }, null, 2)}\n`,
  );
} else {
  const table = new Table({
    head: ['case', 'tensors', ...engines, 'verdict'],
    style: { head: [], border: [] },
  });
  for (const { row, rows } of cases) {
    const differences = rows.map(({ maxDifference }) => maxDifference.toExponential(2));
    table.push([row.case, row.compared, ...differences, verdict(rows)]);
  }
  process.stdout.write(
    `${table}\nLargest absolute differences by engine. ${cases.length - failed.length} of ${cases.length} cases pass.\n`,
  );
}
process.exitCode = failed.length > 0 || cases.length === 0 ? 1 : 0;

function verdict(rows: readonly OfqRow[]): string {
  const failing = rows.find((row) => !passes(row));
  if (failing === undefined) return 'pass';
  if (failing.failure !== undefined) return `FAIL: ${failing.failure}`;
  const [first, ...rest] = failing.missing;
  if (first !== undefined)
    return `FAIL: nothing computes ${first}${rest.length > 0 ? `, ${rest.length} more` : ''}`;
  if (failing.compared === 0) return 'FAIL: nothing computes this';
  return `FAIL: ${failing.at} by ${failing.worst.toPrecision(3)} times what is allowed`;
}

// Compares the built packages with the OFQ reference code's outputs: npm run fixtures:ofq -- [--dir FOLDER] [--json]
import { fileURLToPath } from 'node:url';
import { openFixtures } from '@proj/fixtures';
import Table from 'cli-table3';
import { Command } from 'commander';
import { compareOfq } from './compare.ts';

const { dir, json } = new Command('fixtures:ofq')
  .description(
    "compare with the papers' code: max abs difference of every case that the packages compute so far",
  )
  .option('--dir <folder>', 'another folder of the same form')
  .option('--json', 'print JSON')
  .parse()
  .opts<{ dir?: string; json?: boolean }>();

const folder = openFixtures(dir ?? fileURLToPath(new URL('../../../../fixtures/ofq', import.meta.url)));
const rows = await compareOfq(folder);
const compared = rows.filter((row) => row.compared > 0);
const failed = compared.filter(({ worst }) => worst > 1);
if (json === true) {
  process.stdout.write(
    `${JSON.stringify({ schema: 'proj.fixtures.ofq/1', folder: folder.path, cases: rows }, null, 2)}\n`,
  );
} else {
  const table = new Table({
    head: ['case', 'tensors', 'max abs difference', 'verdict'],
    style: { head: [], border: [] },
  });
  for (const row of compared) {
    table.push([
      row.case,
      row.compared,
      row.maxDifference.toExponential(2),
      row.worst <= 1 ? 'pass' : 'FAIL',
    ]);
  }
  process.stdout.write(
    `${table}\n${compared.length - failed.length} pass, ${failed.length} fail; no package computes the other ${rows.length - compared.length} of the ${rows.length} cases yet.\n`,
  );
}
process.exitCode = failed.length > 0 || compared.length === 0 ? 1 : 0;

// Compares the built package with the reference code's outputs: `npm run fixtures:rws -- [--dir FOLDER] [--json]`.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openFixtures, type RwsManifest, rwsManifest } from '@proj/fixtures';
import { compareGolden, type GoldenRow, isImplemented, type PortCheck } from '../test/golden.ts';

const committed = fileURLToPath(new URL('../../../fixtures/rws', import.meta.url));

/** The values as text columns, the first left-aligned. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 || column === row.length - 1
            ? cell.padEnd(widths[column]!)
            : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const cells = (row: GoldenRow): string[] => [
  row.case,
  `${row.differing} of ${row.bytes}`,
  `${(100 * row.share).toFixed(3)} %`,
  `${(100 * row.allowedShare).toFixed(3)} %`,
  String(row.maxDifference),
  row.maxFloatDifference === null ? '-' : row.maxFloatDifference.toExponential(1),
  row.verdict,
];

function main(): number {
  let options: { dir?: string; json?: boolean };
  try {
    options = parseArgs({ options: { dir: { type: 'string' }, json: { type: 'boolean' } } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\nUsage: npm run fixtures:rws -- [--dir FOLDER] [--json]`);
    return 64;
  }
  const folder = openFixtures(options.dir ?? committed);
  const tolerances = (folder.has('port_check.json') ? folder : openFixtures(committed)).json<PortCheck>(
    'port_check.json',
  );
  const rows = [...compareGolden(folder, { tolerances })];
  const failed = rows.filter(({ verdict }) => verdict === 'FAIL').length;
  const { cases } = rwsManifest(folder);
  const missing = [
    ...new Set(cases.filter((golden) => !isImplemented(golden)).map(({ corruption }) => corruption)),
  ];
  const absent = folder.json<RwsManifest>('manifest.json').cases.length - cases.length;
  if (options.json) {
    console.log(JSON.stringify({ folder: folder.path, failed, missing, absent, cases: rows }));
  } else {
    const head = [
      'case',
      'differing bytes',
      'worst severity',
      'allowed',
      'max',
      'before truncation',
      'verdict',
    ];
    console.log(table([head, ...rows.map(cells)]));
    console.log(`\n${rows.length} cases in ${folder.path}: ${rows.length - failed} pass, ${failed} fail.`);
    if (missing.length > 0)
      console.log(`Not compared, since the package does not have them: ${missing.join(', ')}.`);
    if (absent > 0) console.log(`Not compared, since their files are not in the folder: ${absent} cases.`);
  }
  return failed > 0 || rows.length === 0 ? 1 : 0;
}

process.exitCode = main();

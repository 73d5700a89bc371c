import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import Table from 'cli-table3';
import type { DemoResults } from './results.ts';

const bytes = (value: number) => value.toLocaleString('en-US');
const percent = (value: number) => `${value.toFixed(1)} %`;

/** What the demo prints. */
export function demoSummary(
  { corruptions, together, removal, quantized, seconds }: DemoResults,
  folder: string,
): string {
  const table = new Table({
    head: ['test images', 'standard', 'patched', 'all patches', 'robust', 'share of gain', 'signature'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
  });
  for (const [i, made] of corruptions.entries()) {
    const { corruption, standard, patched, robust, shareOfGain, signature } = made;
    table.push(
      [
        corruption,
        percent(standard.corrupted),
        percent(patched.corrupted),
        percent(together.corrupted[i]!.accuracy),
        percent(robust.corrupted),
        shareOfGain === null ? 'no gain to share' : `${(100 * shareOfGain).toFixed(0)} %`,
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
  const few = new Table({
    head: [
      'the standard model',
      'clean',
      'agrees with float32',
      'bytes',
      'oscillating at most',
      'at the end',
    ],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
  });
  few.push(['float32', percent(quantized.float.top1), '', bytes(quantized.float.bytes), '', '']);
  for (const model of quantized.models) {
    const shares = model.oscillating.map(({ y }) => y);
    few.push([
      `W${quantized.bits}A${quantized.bits} by ${model.name.toUpperCase()}`,
      percent(model.top1),
      percent(model.agreement),
      `${bytes(model.bytes)} (${(quantized.float.bytes / model.bytes).toFixed(1)}x smaller)`,
      percent(Math.max(...shares)),
      percent(shares.at(-1)!),
    ]);
  }
  const report = join(folder, 'report.html');
  const hashes = [...new Set(removal.after.map(({ sha256 }) => sha256))];
  return [
    table.toString(),
    `SHA-256 before patching  ${removal.before}`,
    `SHA-256 after removal    ${hashes.join(' ')} ${removal.equal ? '(equal, in every order)' : '(DIFFERENT)'}`,
    few.toString(),
    `Done in ${Math.round(seconds)} s. Report: ${relative('.', report)} (${pathToFileURL(report).href})`,
    `Models and signatures are in ${folder}; look at one: npm run proj -- inspect ${join(folder, 'patched.safetensors')}`,
    '',
  ].join('\n');
}

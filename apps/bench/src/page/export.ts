import { engineLines, reasons, type TextTable } from '../kernels/tables.ts';
import { deviceFacts } from './device.ts';
import type { PageResults } from './measure.ts';
import { hiddenWarning, howMeasured, tablesOf } from './render.ts';

/** The results as one would paste them into an issue. */
export function markdown(results: PageResults): string {
  const facts = [...deviceFacts(results.device).map(([name, value]) => `${name}: ${value}`)];
  const list = (lines: readonly string[]) => lines.map((line) => `- ${line}`).join('\n');
  const empty = reasons(results);
  return `${[
    '# Kernels in a browser',
    list([`Measured: ${results.finished}`, ...facts, ...engineLines(results)]),
    howMeasured(results),
    ...(results.hidden ? [hiddenWarning] : []),
    ...tablesOf(results).map(tableMarkdown),
    ...(empty.length === 0 ? [] : ['## Empty cells', list(empty)]),
  ].join('\n\n')}\n`;
}

function tableMarkdown({ title, note, head, rows }: TextTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return `## ${title}\n\n${note}\n\n${[head, rule, ...rows].map(line).join('\n')}`;
}

export function downloadJson(results: PageResults): void {
  const blob = new Blob([`${JSON.stringify(results, null, 2)}\n`], { type: 'application/json' });
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = `kernels-${results.finished.slice(0, 10)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url));
}

/** To the clipboard. A page that came over plain HTTP from another machine has none, only the older command. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  if (!copied) throw new Error('the browser does not let this page copy');
}

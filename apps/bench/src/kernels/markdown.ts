import { engineNames, engineTitles } from './engines.ts';
import type { KernelResults } from './results.ts';
import { reasons, type TextTable, tables } from './tables.ts';

/** The results as a page: what ran, how it was measured, every table, and why cells are empty. */
export function markdown(results: KernelResults): string {
  const engines = engineNames.flatMap((name) =>
    results.engines[name] === undefined ? [] : `- **${engineTitles[name]}**: ${results.engines[name]}`,
  );
  const missing = reasons(results).map((reason) => `- ${reason}`);
  return [
    '# Kernels, measured',
    `${results.machine}; ${results.date}. This file is written by`,
    `\`\`\`sh\n${results.command}\n\`\`\``,
    engines.join('\n'),
    measured(results),
    ...tables(results).map(section),
    ...(missing.length === 0 ? [] : ['## Empty cells', missing.join('\n')]),
  ]
    .join('\n\n')
    .concat('\n');
}

/** How the numbers came about. */
export function measured({ rounds }: KernelResults): string {
  return [
    `Medians of ${rounds} rounds, ± half the distance between the quartiles. Each engine is a process of its own, warmed up until it gets no`,
    'faster; in every round each gives one sample, beginning with another engine each time, and ratios are medians of the ratios within',
    'rounds. One-thread rows are pinned to one processor and give CPU time; rows with more threads give wall time. All engines get the same',
    'inputs and weights, and their results are compared before they are timed.',
  ].join(' ');
}

function section({ title, note, head, rows }: TextTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ').replaceAll('\n', ' ')} |`;
  const rule = head.map((_, column) => (column === 0 ? '---' : '---:'));
  return `## ${title}\n\n${note}\n\n${[head, rule, ...rows].map(line).join('\n')}`;
}

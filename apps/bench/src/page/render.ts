import { groupTable, reasons, type TextTable } from '../kernels/tables.ts';
import type { PageResults } from './measure.ts';

/** How the numbers came about. */
export function howMeasured({ rounds, quick, device }: PageResults): string {
  return [
    `Medians of ${rounds} rounds of wall time, ± half the distance between the quartiles; ratios are medians of the ratios within rounds.`,
    'Each engine computes in one thread, in a worker of its own; in every round each gives one sample, beginning with another engine each time.',
    ...(quick ? ['This is a first look: few rows of small sizes, hardly any warm-up.'] : []),
    ...(device.crossOriginIsolated ? [] : ['The page is not isolated, so that the clock has coarse steps.']),
  ].join(' ');
}

export const hiddenWarning =
  'The page was out of sight for a while; browsers slow such pages down, so these numbers may be too low.';

export const tablesOf = ({ groups }: PageResults): TextTable[] => groups.map(groupTable);

/** A table in a box that scrolls where the screen is narrow; the box can be reached by keyboard. */
export function tableElement({ title, note, head, rows }: TextTable): HTMLElement[] {
  const table = element('table', {}, [
    element('thead', {}, [
      element(
        'tr',
        {},
        head.map((cell, column) =>
          column === 0 ? element('td', {}) : element('th', { scope: 'col' }, [cell]),
        ),
      ),
    ]),
    element(
      'tbody',
      {},
      rows.map(([name, ...cells]) =>
        element('tr', {}, [
          element('th', { scope: 'row' }, [name ?? '']),
          ...cells.map((cell) => element('td', {}, [cell])),
        ]),
      ),
    ),
  ]);
  return [
    element('h3', {}, [title]),
    element('p', { class: 'note' }, [note]),
    element('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': title }, [table]),
  ];
}

/** Why cells are empty. */
export function reasonsElement(results: PageResults): HTMLElement[] {
  const found = reasons(results);
  if (found.length === 0) return [];
  return [
    element('h3', {}, ['Empty cells']),
    element(
      'ul',
      {},
      found.map((reason) => element('li', {}, [reason])),
    ),
  ];
}

export function element(
  tag: string,
  attributes: Readonly<Record<string, string>>,
  children: readonly (Node | string)[] = [],
): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

import { withIds } from './charts.ts';
import { cellText, intervalNote, placesOf } from './format.ts';
import { html, type Markup, raw } from './markup.ts';
import type {
  Cell,
  HeatMapSection,
  ImagesSection,
  LinesSection,
  PublishedSection,
  Section,
} from './section.ts';
import { shown, type Tabular } from './tabular.ts';

/** What a section shows below its title. */
export function contentOf(section: Section, name: string, chart: string | undefined): Markup {
  switch (section.kind) {
    case 'text':
      return html`${section.text.map((paragraph) => html`<p>${paragraph}</p>`)}`;
    case 'table': {
      const table = tableOf(section, section.title);
      if (section.folded !== true) return table;
      return html`<details>
<summary>Show the table</summary>
${table}
</details>`;
    }
    case 'published':
      return publishedTable(section);
    case 'images':
      return gallery(section);
    default:
      return figure(section, name, chart);
  }
}

function figure(section: LinesSection | HeatMapSection, name: string, chart: string | undefined): Markup {
  if (chart === undefined) return html`<p class="empty">There is nothing to draw yet.</p>`;
  // Ids are the document's: two drawings must not share them.
  const ownIds = withIds(chart, (id) => `${name}-${id}`);
  const { note, ...numbers } = shown(section);
  return html`<figure class="chart ${section.kind}" aria-labelledby="${name}">
<div class="scroll" tabindex="0" role="group" aria-label="${section.title}, drawing">${raw(ownIds)}</div>
</figure>
<details>
<summary>The numbers</summary>
${tableOf(numbers, `${section.title}, numbers`, 'small')}
${note === undefined ? null : html`<p class="note">${note}</p>`}
</details>`;
}

/** A table in a box of its own, which scrolls sideways where the page is narrow. */
export function tableOf(table: Tabular, label: string, size?: 'small'): Markup {
  const { head, rows, digits } = table;
  const places = placesOf(rows, head.length, digits);
  const right = head.map((_, column) => rows.every((row) => typeof (row[column] ?? null) !== 'string'));
  const note = intervalNote(rows);
  const header = (name: string, column: number): Markup => {
    if (name === '') return html`<td></td>`;
    return html`<th scope="col"${right[column] && column > 0 ? raw(' class="number"') : null}>${name}</th>`;
  };
  const cell = (row: readonly Cell[], column: number): Markup => {
    const text = cellText(row[column] ?? null, places[column]!);
    // A header that says nothing is none.
    if (column === 0 && text !== '') return html`<th scope="row">${text}</th>`;
    if (right[column]) return html`<td class="number">${text}</td>`;
    return html`<td>${isHash(text) ? html`<code>${text}</code>` : text}</td>`;
  };
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${label}">
<table${size === undefined ? null : html` class="${size}"`}>
<thead><tr>
${head.map(header)}
</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${head.map((_, column) => cell(row, column))}</tr>`)}
</tbody>
</table>
</div>
${note === undefined ? null : html`<p class="note">${note}</p>`}`;
}

const isHash = (text: string): boolean => /^[0-9a-f]{16,}$/.test(text);

/** On a phone a row becomes a card: its sentences need the width. */
function publishedTable({ title, rows, digits }: PublishedSection): Markup {
  const [places] = placesOf(
    rows.map(({ ours }) => [ours]),
    1,
    digits,
  );
  const note = intervalNote(rows.map(({ ours }) => [ours]));
  return html`<table class="published" aria-label="${title}">
<thead><tr><th scope="col">what</th><th scope="col">published</th><th scope="col">ours</th><th scope="col">why they differ</th></tr></thead>
<tbody>
${rows.map(
  ({ what, published, source, ours, difference }) => html`<tr>
<th scope="row">${what}</th>
<td data-label="published"><strong>${published}</strong> <small>${source}</small></td>
<td data-label="ours"><strong>${cellText(ours, places!)}</strong></td>
<td data-label="why they differ">${difference}</td>
</tr>`,
)}
</tbody>
</table>
${note === undefined ? null : html`<p class="note">${note}</p>`}`;
}

const gallery = ({ images, width }: ImagesSection): Markup =>
  images.length === 0
    ? html`<p class="empty">There are no images yet.</p>`
    : html`<div class="gallery">
${images.map(
  ({ png, alt, caption }) => html`<figure>
<img src="data:image/png;base64,${png}" alt="${alt}" width="${width}">
<figcaption>${caption.map(({ text, verdict }) =>
    verdict === undefined
      ? html`<span>${text}</span>`
      : html`<span class="${verdict}">${verdict === 'right' ? '✓' : '✗'} ${text}</span>`,
  )}</figcaption>
</figure>`,
)}
</div>`;

import type { Figure } from './figures.ts';
import { count } from './format.ts';
import { contentOf, tableOf } from './html-sections.ts';
import { html, type Markup, raw } from './markup.ts';
import { facts, provenance } from './provenance.ts';
import { isDone, jobsOf, type Report, sectionName } from './report.ts';
import type { Section } from './section.ts';
import { style } from './style.ts';

/** The report as one HTML document that needs neither network nor script. */
export function htmlPage(report: Report, figures: ReadonlyMap<number, Figure>): string {
  const { title, about, sections } = report;
  const linked = sections.map((section, index) => ({ section, index, name: sectionName(section, index) }));
  const parts = provenance(report);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="description" content="${about}">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
<a class="skip" href="#results">Skip to the results</a>
<header>
<p class="kicker">${report.experiment}</p>
<h1>${title}</h1>
<p class="about">${about}</p>
<ul class="facts">
${facts(report).map((fact) => html`<li>${fact}</li>`)}
</ul>
<p class="command"><span>Made by</span> <code>${report.run}</code></p>
</header>
${
  linked.length < 3
    ? null
    : html`<nav aria-label="Contents">
<ol>
${linked.map(({ section, name }) => html`<li><a href="#${name}">${section.title}</a></li>`)}
</ol>
</nav>`
}
<main id="results">
${undone(report)}
${linked.map(({ section, index, name }) => sectionPart(report, section, name, figures.get(index)?.svg))}
${
  parts.length === 0
    ? null
    : html`<section aria-labelledby="provenance">
<h2 id="provenance">Where the numbers come from</h2>
<p>The same command makes the same results elsewhere, unless they are times. Raw results are in <code>report.json</code>.</p>
${parts.map(
  (part) => html`<details id="${part.title.toLowerCase().replaceAll(' ', '-')}">
<summary>${part.title}</summary>
${part.note === undefined ? null : html`<p class="note">${part.note}</p>`}
${tableOf(part, part.title, 'small')}
</details>`,
)}
</section>`
}
</main>
<footer><p>Made by <code>${report.report}</code></p></footer>
</body>
</html>
`;
  return page.text;
}

function undone({ jobs, goOn }: Report): Markup | null {
  const open = jobs.filter((job) => !isDone(job));
  if (open.length === 0) return null;
  const states = (['failed', 'blocked', 'missing'] as const).flatMap((state) => {
    const { length } = open.filter((job) => job.state === state);
    return length === 0 ? [] : [`${length} ${state}`];
  });
  return html`<section class="warning" aria-labelledby="undone">
<h2 id="undone">${open.length} of ${count(jobs.length, 'job')} not done: ${states.join(', ')}</h2>
<p>What follows is made from the others. This goes on:</p>
<p><code>${goOn}</code></p>
<details open>
<summary>Which</summary>
<ul>
${open.map(
  (job) =>
    html`<li><strong>${job.label}</strong> <code>${job.id}</code>: ${job.state}${
      job.message === undefined ? null : html` <span class="message">(${job.message})</span>`
    }</li>`,
)}
</ul>
</details>
</section>`;
}

const sectionPart = (report: Report, section: Section, name: string, chart: string | undefined): Markup =>
  html`<section aria-labelledby="${name}">
<h2 id="${name}">${section.title}</h2>
${section.note === undefined ? null : html`<p>${section.note}</p>`}
${contentOf(section, name, chart)}
${section.kind === 'text' ? null : origin(report, section)}
</section>`;

/** What makes a figure or table again, and the jobs it is made from. */
function origin(report: Report, section: Section): Markup {
  const jobs = jobsOf(report, section);
  return html`<details class="origin">
<summary>How this was made</summary>
<p><code>${report.run}</code></p>
${
  section.from === undefined
    ? html`<p>From all ${count(jobs.length, 'finished job')}; their ids stand in the <a href="#jobs">table of jobs</a>.</p>`
    : html`<p>From ${count(jobs.length, 'job')}:</p>
<ul class="jobs">
${jobs.map(({ label, id }) => html`<li>${label} <code>${id}</code></li>`)}
</ul>`
}
</details>`;
}

/** Text has a contrast of at least 4.5 in both schemes. Nothing is wider than a phone but what scrolls in a box of its own. */
export const style = `
:root {
  color-scheme: light dark;
  --ink: #1b1f24; --faint: #57606a; --paper: #ffffff; --line: #d8dee4; --soft: #f4f6f8; --link: #0a58b8;
  --good: #17703f; --bad: #b3261e; --warn: #fff6df; --warn-line: #d4a72c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ed; --faint: #a2abb5; --paper: #14171b; --line: #363d46; --soft: #1e2329; --link: #7cb7ff;
    --good: #6fd19a; --bad: #ff8a80; --warn: #2d2613; --warn-line: #9a7b1f;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 58rem; padding: 2rem 1rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
p, li { max-width: 44rem; overflow-wrap: break-word; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
h1 { font-size: clamp(1.6rem, 5vw, 2.2rem); line-height: 1.2; margin: 0 0 .75rem; text-wrap: balance; overflow-wrap: break-word; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .5rem; text-wrap: balance; overflow-wrap: break-word; }
.kicker { margin: 0 0 .25rem; color: var(--faint); font-size: .85rem; letter-spacing: .04em; }
.about { font-size: 1.1rem; margin: 0 0 1rem; }
.facts { display: flex; flex-wrap: wrap; gap: .2rem 1.25rem; list-style: none; margin: 0 0 .75rem; padding: 0; color: var(--faint); font-size: .9rem; }
.command { margin: 0; font-size: .9rem; } .command span { color: var(--faint); }
nav { margin: 1.5rem 0 0; padding: .75rem 0; border-block: 1px solid var(--line); font-size: .95rem; }
nav ol { margin: 0; padding: 0; list-style: none; columns: 18rem; column-gap: 2rem; }
nav li { break-inside: avoid; padding: .15rem 0; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
section { margin-top: 2.75rem; }
.warning { background: var(--warn); border-inline-start: 4px solid var(--warn-line); padding: .9rem 1rem; border-radius: 4px; }
.warning ul { margin: .5rem 0 0; padding-inline-start: 1.2rem; } .message { overflow-wrap: anywhere; }
.note, .empty { color: var(--faint); font-size: .9rem; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: start; padding: .4rem .8rem; border-bottom: 1px solid var(--line); vertical-align: baseline; }
th:first-child { padding-inline-start: 0; }
thead th { border-bottom: 2px solid var(--line); font-size: .9rem; color: var(--faint); font-weight: 600; vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: end; white-space: nowrap; }
table.small { font-size: .85rem; } table.small th, table.small td { padding-block: .25rem; }
.small td { max-width: 24rem; overflow-wrap: break-word; }
code { font: .875em/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; background: var(--soft); padding: .1em .35em; border-radius: 4px; overflow-wrap: anywhere; }
td code { overflow-wrap: normal; white-space: nowrap; }
.scroll + .note { margin-top: .5rem; }
figure { margin: 1rem 0 .5rem; }
.chart svg { display: block; height: auto; }
.lines svg { width: 100%; max-width: 31rem; }
.heat-map svg { max-width: none; }
.gallery { display: flex; flex-wrap: wrap; gap: 1rem 1.25rem; margin: 1rem 0; }
.gallery figure { margin: 0; }
.gallery img { image-rendering: pixelated; display: block; max-width: 100%; border: 1px solid var(--line); border-radius: 3px; }
figcaption { font-size: .85rem; line-height: 1.4; margin-top: .3rem; }
figcaption span { display: block; }
.right { color: var(--good); } .wrong { color: var(--bad); }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--link); font-size: .9rem; padding: .2rem 0; }
.origin p { margin: .35rem 0; font-size: .9rem; }
.jobs { margin: .25rem 0; padding-inline-start: 1.2rem; font-size: .85rem; columns: 22rem; }
.published { width: 100%; } .published small { display: block; color: var(--faint); }
footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--faint); font-size: .85rem; }
@media (max-width: 40rem) {
  body { padding-top: 1.25rem; }
  th, td { padding-inline: .5rem; }
  .published, .published tbody, .published tr, .published td, .published th { display: block; }
  .published thead { position: absolute; left: -999rem; }
  .published tr { padding: .6rem 0; border-bottom: 1px solid var(--line); }
  .published td, .published tbody th { border: 0; padding: .1rem 0; }
  .published tbody th { font-weight: 600; }
  .published td::before { content: attr(data-label) ": "; color: var(--faint); font-size: .85rem; }
}
@media print {
  :root {
    color-scheme: light;
    --ink: #000; --faint: #444; --paper: #fff; --line: #bbb; --soft: #fff; --link: #000; --good: #0b5a2f; --bad: #9b1c15; --warn: #fff; --warn-line: #000;
  }
  @page { margin: 16mm 14mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .skip, nav { display: none; }
  a { text-decoration: none; }
  section { margin-top: 1.6rem; }
  h1, h2, summary, h2 + p { break-after: avoid; }
  figure, tr, .gallery figure { break-inside: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; }
  .small { font-size: 7pt; } .small th, .small td { padding: .1rem .3rem; }
  .small td code { padding: 0; font-size: 6.5pt; }
  summary { list-style: none; color: var(--faint); }
  summary::-webkit-details-marker { display: none; }
  details::details-content { content-visibility: visible; block-size: auto; }
  details > :not(summary) { display: revert; }
}
`;

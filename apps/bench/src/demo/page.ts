import { heatMap, lineChart } from '../report/charts.ts';
import type { Accuracy, CorruptionResult, DemoResults } from './results.ts';

/** The whole report as one HTML document that needs no network and no script. */
export async function page(results: DemoResults): Promise<string> {
  const { corruptions, models, removal, together } = results;
  const sections = await Promise.all(corruptions.map(corruptionSection));
  const training = await lineChart({
    description: `Training loss of ${models.map(({ name }) => name).join(', ')} over passes through the data`,
    x: 'passes over the training images',
    y: 'training loss',
    series: models.map(({ name, losses }) => ({ name, points: losses })),
  });
  const layers = await heatMap({
    description:
      'Relative difference between robust and standard weights for every weight tensor, per corruption',
    columns: corruptions.map(({ corruption }) => corruption),
    rows: corruptions[0]!.relativeDifference.map(({ name }, i) => ({
      name,
      values: corruptions.map(({ relativeDifference }) => relativeDifference[i]!.value),
    })),
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Robustness as a patch: ${text(corruptions.map(({ corruption }) => corruption).join(', '))}</title>
<style>${style}</style>
<main>
<h1>Robustness as a patch</h1>
<p>A small vision transformer (${text(results.model.name)}, ${count(results.model.parameters)} parameters) was trained on ${count(results.data.train)} handwritten digits: once on clean images, once per corruption. What the corruption did to its first layers was kept as a small signature file, added to the clean model, and taken off again. Every number on this page was computed in this run, in ${duration(results.seconds)}.</p>
${summary(results)}
<h2>${removal.equal ? 'Taken off again, every bit is back' : 'Removal did not restore the model'}</h2>
<p>The patched model was saved, opened with nothing else at hand, and its signatures were taken off, the first first and the last first. SHA-256 of all parameters:</p>
<dl>
<dt>before patching</dt><dd><code>${removal.before}</code></dd>
<dt>patched with all</dt><dd><code>${removal.patched}</code></dd>
${removal.after.map(({ order, sha256 }) => `<dt>removed: ${text(order)} ${sha256 === removal.before ? '<span class="right">✓ equal</span>' : '<span class="wrong">✗ different</span>'}</dt><dd><code>${sha256}</code></dd>`).join('\n')}
</dl>
${sections.join('\n')}
<h2>All patches at once</h2>
<p>All signatures in one model (<code>${text(together.file)}</code>), each at the strength chosen for it alone times ${together.factor}, the factor that did best on the validation images: signatures that touch the same layers disturb each other.</p>
<div class="scroll"><table>
<tr><th>test images</th><th>standard</th><th>its own patch</th><th>all patches</th></tr>
<tr><td>clean</td><td>${percent(corruptions[0]!.standard.clean)}</td><td>–</td><td>${percent(together.clean)}</td></tr>
${together.corrupted.map(({ corruption, accuracy }, i) => `<tr><td>${text(corruption)}</td><td>${percent(corruptions[i]!.standard.corrupted)}</td><td>${percent(corruptions[i]!.patched.corrupted)}</td><td>${percent(accuracy)}</td></tr>`).join('\n')}
</table></div>
<h2>Where the weights changed</h2>
<p>‖robust − standard‖ / ‖standard‖ for every weight tensor, first layers on top.</p>
<figure class="scroll">${layers}</figure>
<h2>Training</h2>
<figure>${training}</figure>
<div class="scroll"><table>
<tr><th>model</th><th>trained in</th><th>file</th><th>bytes</th><th>SHA-256</th></tr>
${models.map((model) => `<tr><td>${text(model.name)}</td><td>${duration(model.trainSeconds)}</td><td><code>${text(model.file)}</code></td><td>${count(model.bytes)}</td><td><code>${model.sha256.slice(0, 16)}…</code></td></tr>`).join('\n')}
</table></div>
<h2>How to get this page again</h2>
<p><code>${text(results.command)}</code></p>
<p>Seed ${results.seed}. ${text(results.machine)}. Images: ${text(results.data.source)}; ${count(results.data.train)} to train on, ${count(results.data.validation)} to choose the number of units and the strength, ${count(results.data.test)} for every accuracy shown.</p>
</main>
</html>
`;
}

function summary({ corruptions }: DemoResults): string {
  const rows = corruptions.map(
    (result) => `<tr><td>${text(result.corruption)}</td><td>${percent(result.standard.corrupted)}</td>
<td class="key">${percent(result.patched.corrupted)}</td><td>${percent(result.robust.corrupted)}</td>
<td>${percent(result.standard.clean)} → ${percent(result.patched.clean)}<br>(robust: ${percent(result.robust.clean)})</td><td>${share(result.shareOfGain)}</td>
<td>${count(result.signature.bytes)} B,<br>${result.signature.ratio.toFixed(1)}× smaller</td></tr>`,
  );
  return `<div class="scroll"><table>
<tr><th>corruption</th><th>standard</th><th>patched</th><th>robust</th><th>clean images,<br>before → after</th><th>share of the<br>robust gain</th><th>signature file</th></tr>
${rows.join('\n')}
</table></div>
<p class="note">Accuracy on corrupted test images, severity ${corruptions[0]!.severity} of 5. “Robust” is a whole model trained on that corruption; “patched” is the standard model plus the signature.</p>`;
}

async function corruptionSection(result: CorruptionResult): Promise<string> {
  const { signature, sweep, tried, corruption } = result;
  const series = (pick: keyof Accuracy) => sweep.map((row) => ({ x: row.alpha, y: row[pick] }));
  const strengths = await lineChart({
    description: `Accuracy over patch strength for ${corruption}: ${sweep.map((row) => `strength ${row.alpha}: clean ${row.clean.toFixed(1)} %, corrupted ${row.corrupted.toFixed(1)} %`).join('; ')}`,
    x: 'strength α of the patch',
    y: 'accuracy, %',
    yDomain: [0, 100],
    mark: signature.alpha,
    series: [
      { name: 'clean images', points: series('clean') },
      { name: `${corruption} images`, points: series('corrupted') },
    ],
  });
  return `<h2>${text(corruption)}</h2>
<p>The first ${signature.units} units, ${signature.bits} bits a weight, strength ${signature.alpha}: <code>${text(signature.file)}</code>, ${count(signature.bytes)} bytes.</p>
<div class="gallery">
${result.gallery.map(({ png, label, before, after }) => `<figure><img src="data:image/png;base64,${png}" alt="a corrupted ${text(label)}" width="84" height="84"><figcaption>is ${text(label)}<br><span class="${before === label ? 'right' : 'wrong'}">before: ${text(before)}</span><br><span class="${after === label ? 'right' : 'wrong'}">after: ${text(after)}</span></figcaption></figure>`).join('\n')}
</div>
<figure>${strengths}</figure>
<details><summary>What was tried on the validation images</summary><div class="scroll"><table>
<tr><th>units</th><th>strength</th><th>clean</th><th>${text(corruption)}</th></tr>
${tried.map((row) => `<tr><td>${row.units}</td><td>${row.alpha}</td><td>${percent(row.clean)}</td><td>${percent(row.corrupted)}</td></tr>`).join('\n')}
</table></div></details>`;
}

const text = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const percent = (value: number): string => `${value.toFixed(1)} %`;
/** The patch's share of what the robust model gains. */
export const share = (value: number | null): string =>
  value === null ? 'no gain to share' : `${(100 * value).toFixed(0)} %`;
const count = (value: number): string => value.toLocaleString('en-US');
const duration = (seconds: number): string =>
  seconds < 90 ? `${seconds.toFixed(0)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d5d9de; --soft: #f3f5f7; --good: #17703f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --paper: #15181c; --line: #3a4048; --soft: #1f242a; --good: #6fd19a; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td { white-space: nowrap; } .key { font-weight: 700; }
dt { font-weight: 600; margin-top: .5rem; } dd { margin: 0; }
.note { font-size: .9rem; opacity: .8; }
.scroll { overflow-x: auto; }
code { font-size: .85em; background: var(--soft); padding: .1em .3em; border-radius: 3px; overflow-wrap: anywhere; }
figure { margin: 1rem 0; } figure > svg { max-width: 100%; height: auto; }
.gallery { display: flex; flex-wrap: wrap; gap: 1rem; } .gallery figure { margin: 0; }
.gallery img { image-rendering: pixelated; border: 1px solid var(--line); display: block; }
figcaption { font-size: .85rem; line-height: 1.35; margin-top: .25rem; }
.right { color: var(--good); } .wrong { color: var(--bad); }
summary { cursor: pointer; }
@media print { details { display: block; } .scroll { overflow: visible; } }
`;

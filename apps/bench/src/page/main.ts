import { describeDevice, deviceFacts, inSoftware } from './device.ts';
import { copyText, downloadJson, markdown } from './export.ts';
import {
  type Choice,
  type MeasureEvent,
  measureInPage,
  type PageEngineName,
  type PageGroupName,
  type PageResults,
  pageEngines,
  pageGroups,
  roughMinutes,
} from './measure.ts';
import { element, hiddenWarning, howMeasured, reasonsElement, tableElement, tablesOf } from './render.ts';
import { keepScreenOn } from './wake-lock.ts';

const byId = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const form = byId<HTMLFormElement>('choice');
const [start, stop] = [byId<HTMLButtonElement>('start'), byId<HTMLButtonElement>('stop')];
const fields = [...form.querySelectorAll('fieldset')];
const device = describeDevice();

byId('device').append(
  ...deviceFacts(device).flatMap(([name, value]) => [element('dt', {}, [name]), element('dd', {}, [value])]),
);
offer('groups', pageGroups, () => true);
offer(
  'engines',
  pageEngines,
  (name) => name !== 'webgl' || (device.webgl !== null && !inSoftware(device.webgl)),
);

let latest: PageResults | undefined;
let running: AbortController | undefined;

form.addEventListener('change', showExpected);
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void run();
});
stop.addEventListener('click', () => running?.abort());
byId('copy').addEventListener('click', async () => {
  if (latest === undefined) return;
  await copyText(markdown(latest)).then(
    () => say('Copied.'),
    (error: Error) => say(`Not copied: ${error.message}.`),
  );
});
byId('download').addEventListener('click', () => {
  if (latest !== undefined) downloadJson(latest);
});
showExpected();

async function run(): Promise<void> {
  // Fields that are disabled belong to no choice.
  const chosen = choice();
  running = new AbortController();
  const letScreenSleep = keepScreenOn();
  show(true);
  say('Measuring.');
  byId('warning').hidden = true;
  const began = performance.now();
  try {
    const results = await measureInPage(chosen, running.signal, (event) => follow(event, began));
    showResults(results);
    say(`Done in ${duration((performance.now() - began) / 1000)}.`);
  } catch (error) {
    if (running.signal.aborted) say('Stopped. Rows that were done stay below.');
    else warn(`The measurement failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    letScreenSleep();
    show(false);
  }
}

function follow(event: MeasureEvent, began: number): void {
  if (event.kind === 'results') {
    showResults(event.results);
    return;
  }
  const { done, total, detail } = event;
  const elapsed = (performance.now() - began) / 1000;
  const left = done > 0 ? (elapsed * (total - done)) / done : undefined;
  byId<HTMLProgressElement>('bar').value = done / total;
  const eta = left === undefined ? '' : `, ${duration(left)} left`;
  byId('progress').textContent = `${Math.floor((100 * done) / total)} %${eta} · ${detail}`;
}

function showResults(results: PageResults): void {
  latest = results;
  byId('results').hidden = false;
  byId('how').textContent = howMeasured(results);
  byId('tables').replaceChildren(...tablesOf(results).flatMap(tableElement), ...reasonsElement(results));
  if (results.hidden) warn(hiddenWarning);
}

function show(busy: boolean): void {
  for (const field of fields) field.disabled = busy;
  start.hidden = busy;
  stop.hidden = !busy;
  // The button that was pressed is gone.
  (busy ? stop : start).focus();
  byId('running').hidden = !busy;
  byId<HTMLProgressElement>('bar').value = 0;
  byId('progress').textContent = '';
}

function showExpected(): void {
  const chosen = choice();
  start.disabled = chosen.groups.length === 0 || chosen.engines.length === 0;
  const minutes = roughMinutes(chosen);
  byId('expected').textContent = start.disabled
    ? 'Choose at least one of each.'
    : `About ${minutes <= 1 ? 'a minute' : `${Math.ceil(minutes)} minutes`} on a laptop, longer on a phone.`;
}

function choice(): Choice {
  const data = new FormData(form);
  return {
    groups: data.getAll('groups') as PageGroupName[],
    engines: data.getAll('engines') as PageEngineName[],
    thorough: data.get('extent') === 'thorough',
  };
}

function offer(
  name: string,
  titles: Readonly<Record<string, string>>,
  chosen: (value: string) => boolean,
): void {
  byId(name).append(
    ...Object.entries(titles).map(([value, title]) => {
      const box = element('input', { type: 'checkbox', name, value });
      (box as HTMLInputElement).checked = chosen(value);
      return element('label', {}, [box, element('span', {}, [title])]);
    }),
  );
}

function say(text: string): void {
  byId('status').textContent = text;
}

function warn(text: string): void {
  say('');
  byId('warning').textContent = text;
  byId('warning').hidden = false;
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

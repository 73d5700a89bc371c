import type { EngineName } from '../kernels/engine-names.ts';
import { type Group, type GroupName, groupSeconds, kernelGroup } from '../kernels/groups.ts';
import { measureGroup } from '../kernels/measure-group.ts';
import type { GroupResult, Measured } from '../kernels/results.ts';
import { type Device, describeDevice } from './device.ts';
import { workerEngines } from './worker-engines.ts';

/** The groups that run in a page, as its user knows them. */
export const pageGroups = {
  products: 'Matrix products',
  fused: 'Fused operations, forward and backward',
  inference: 'DeiT-Tiny, images to logits',
  training: 'Training step of a small ViT',
} as const satisfies Partial<Record<GroupName, string>>;

export type PageGroupName = keyof typeof pageGroups;

export const pageEngines = {
  stock: 'TensorFlow.js, wasm',
  reproducible: 'our kernels, reproducible',
  relaxed: 'our kernels, relaxed SIMD',
  webgl: 'TensorFlow.js, WebGL',
} as const satisfies Partial<Record<EngineName, string>>;

export type PageEngineName = keyof typeof pageEngines;

export interface Choice {
  readonly groups: readonly PageGroupName[];
  readonly engines: readonly PageEngineName[];
  readonly thorough: boolean;
}

/** What a page measured, as it can be downloaded. */
export type PageResults = Measured & {
  readonly schema: 'proj.bench.kernels/1';
  /** ISO 8601. */
  readonly finished: string;
  readonly device: Device;
  /** Whether the page was out of sight for a while, where browsers slow it down. */
  readonly hidden: boolean;
};

export type MeasureEvent =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly detail: string }
  /** What is there so far. */
  | { readonly kind: 'results'; readonly results: PageResults };

/** Measures group by group, each engine in a worker that lives through a group. */
export async function measureInPage(
  choice: Choice,
  signal: AbortSignal,
  tell: (event: MeasureEvent) => void,
): Promise<PageResults> {
  const { engines: wanted, thorough } = choice;
  const rounds = roundsOf(thorough);
  const groups = choice.groups.map((name) => pageGroup(name, thorough));
  const total = groups.reduce((sum, group) => sum + groupSeconds(group, rounds), 0);
  const device = describeDevice();
  const engines = workerEngines(() => {});
  const measured: GroupResult[] = [];
  let hidden = document.hidden;
  const look = () => {
    hidden ||= document.hidden;
  };
  const results = (current: readonly GroupResult[]): PageResults => ({
    schema: 'proj.bench.kernels/1',
    finished: new Date().toISOString(),
    device,
    hidden,
    quick: !thorough,
    rounds,
    engines: { ...engines.about },
    groups: current,
  });
  document.addEventListener('visibilitychange', look);
  try {
    let done = 0;
    for (const group of groups) {
      const seconds = groupSeconds(group, rounds);
      const weight = group.rows.reduce((sum, row) => sum + row.weight, 0);
      measured.push(
        await measureGroup(group, engines, {
          ...{ engines: wanted, rounds, quick: !thorough, clock: 'wall', known: [], signal },
          finished: (soFar) => tell({ kind: 'results', results: results([...measured, soFar]) }),
          tell: (over, detail) =>
            tell({ kind: 'progress', done: done + (seconds * over) / weight, total, detail }),
        }),
      );
      done += seconds;
    }
  } finally {
    document.removeEventListener('visibilitychange', look);
  }
  return results(measured);
}

/** Minutes that a choice takes, roughly; phones are slower. */
export function roughMinutes({ groups, engines, thorough }: Choice): number {
  const seconds = groups.map((name) => {
    const group = pageGroup(name, thorough);
    const columns = group.rows.flatMap((row) => row.columns);
    const wanted = columns.filter(({ engine }) => engines.some((name) => name === engine));
    return (groupSeconds(group, roundsOf(thorough)) * wanted.length) / columns.length;
  });
  return seconds.reduce((sum, each) => sum + each, 0) / 60;
}

const roundsOf = (thorough: boolean) => (thorough ? 9 : 3);

function pageGroup(name: PageGroupName, thorough: boolean): Group {
  // The step of 64 images takes stock tfjs 1.5 GiB, more than a phone gives to a page.
  const group = kernelGroup(name, !thorough || name === 'training');
  return { ...group, rows: group.rows.filter(({ threads }) => threads === 1) };
}

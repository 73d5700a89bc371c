import { cosineMatrices, extract, type Projection, relativeDifferences } from '@proj/rws';
import { defineTask } from '../experiment.ts';
import { openNetwork, unitsOf } from './network.ts';
import { overheadSeconds } from './speed.ts';

export type GeometryConfig = {
  readonly study: string;
  readonly corruptions: readonly string[];
  /** Signatures cover the first so many units. */
  readonly k: number;
};

type Cosines = readonly (readonly (number | null)[])[];

export type GeometryResult = {
  readonly k: number;
  /** Of every two signatures in float32, all tensors together, in the order of the corruptions. */
  readonly cosines: Readonly<Record<Projection, Cosines>>;
  /** ||robust − standard|| / ||standard|| of each tensor in the units; null where the standard one is zero. */
  readonly differences: readonly {
    readonly name: string;
    readonly values: readonly (number | null)[];
  }[];
};

/** How the models of `needs['robust ' + corruption]` lie to `needs.standard` and to each other. */
export const rwsGeometry = defineTask<GeometryConfig, GeometryResult>({
  name: 'rws-geometry',
  module: import.meta.url,
  estimate: () => ({ seconds: overheadSeconds, bytes: 5000 }),
  async run({ config, needs, progress }) {
    const { corruptions } = config;
    const init = await openNetwork(needs['init']!);
    const standard = await openNetwork(needs['standard']!);
    const robust = await Promise.all(
      corruptions.map((corruption) => openNetwork(needs[`robust ${corruption}`]!)),
    );
    const units = unitsOf(standard.network);
    const k = Math.min(config.k, units.length);
    const cosines = async (projection: Projection): Promise<Cosines> => {
      const signatures = [];
      for (const [i, { state }] of robust.entries()) {
        const states = { init: init.state, standard: standard.state, robust: state };
        signatures.push((await extract({ ...states, units, k, bits: 32, projection })).signature);
        progress(i + 1, robust.length);
      }
      return cosineMatrices(signatures).global;
    };
    const differences = robust.map(({ state }) => relativeDifferences(standard.state, state));
    return {
      k,
      cosines: { orthogonal: await cosines('orthogonal'), none: await cosines('none') },
      differences: units.flat().map((name) => ({
        name,
        values: differences.map((of) => of.get(name) ?? null),
      })),
    };
  },
});

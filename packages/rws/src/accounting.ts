import { RwsError } from './error.ts';
import { product } from './floats.ts';

/** What a table of sizes asks for; nothing is read but shapes. */
export interface AccountingOptions {
  /** Every parameter of the model by name. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Parameter names in units of depth, as for `extract`. */
  readonly units: readonly (readonly string[])[];
  readonly k: number;
  /** Bits a value of a signature: 32 for float32. */
  readonly bits: number;
  /** How many signatures of this kind the system holds beside the standard model. Defaults to 1. */
  readonly signatures?: number;
}

/** A ratio and what it stands for. */
export interface Accounted {
  readonly fullBytes: number;
  readonly bytes: number;
  readonly compression: number;
  readonly configuration: string;
}

export interface Accounting {
  /** Parameters of the first k units, and of the model. */
  readonly parameters: number;
  readonly modelParameters: number;
  /** One signature against the whole model. */
  readonly signature: Accounted;
  /** The standard model with all signatures against it with as many robust models. */
  readonly system: Accounted;
}

/**
 * Sizes as papers count them, from shapes alone: values times bits, models in float32; no scales, names or hashes, no entropy coding. `inspect`
 * and `systemCompression` say what files really take.
 *
 * @throws {RwsError} `RWS_OPTION_INVALID` for a `k`, `bits` or count that makes no sense, or a unit's name that `shapes` lacks.
 */
export function accounting({ shapes, units, k, bits, signatures = 1 }: AccountingOptions): Accounting {
  const names = units.slice(0, k).flat();
  const lacking = names.filter((name) => !shapes.has(name));
  const sound = Number.isInteger(k) && k >= 1 && k <= units.length && bits > 0 && bits <= 32;
  if (!sound || !Number.isInteger(signatures) || signatures < 1 || lacking.length > 0) {
    throw new RwsError(
      'RWS_OPTION_INVALID',
      `k ${k} of ${units.length} units, ${bits} bits and ${signatures} signatures${lacking.length > 0 ? `, and no shape of ${lacking.join(', ')}` : ''}: that cannot be counted.`,
    );
  }
  const sizeOf = (some: Iterable<readonly number[]>) =>
    [...some].reduce((sum, shape) => sum + product(shape), 0);
  const parameters = sizeOf(names.map((name) => shapes.get(name)!));
  const modelParameters = sizeOf(shapes.values());
  const bytes = (parameters * bits) / 8;
  const modelBytes = 4 * modelParameters;
  const what = `first ${k} of ${units.length} units, ${parameters} values of ${bits} bits, by arithmetic`;
  const account = (fullBytes: number, some: number, configuration: string): Accounted => ({
    ...{ fullBytes, bytes: some, compression: fullBytes / some, configuration },
  });
  return {
    parameters,
    modelParameters,
    signature: account(
      modelBytes,
      bytes,
      `one signature (${what}) against all ${modelParameters} parameters in float32`,
    ),
    system: account(
      (signatures + 1) * modelBytes,
      modelBytes + signatures * bytes,
      `the standard model and ${signatures} signatures (${what}) against ${signatures + 1} whole models of ${modelParameters} parameters in float32`,
    ),
  };
}

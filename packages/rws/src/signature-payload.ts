import { type StateDict, type TensorData, toFloat32, unpackBits } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import { finiteValues, product } from './floats.ts';
import { bitsForLevels } from './quantizer.ts';
import type { StoredValues } from './signature.ts';
import { codesEntry, scalesEntry, valuesEntry } from './signature-layout.ts';

interface DescribedTensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Takes the payload of every described tensor out of a file's tensors, which must hold exactly that. */
export function readStored(
  state: StateDict,
  tensors: readonly DescribedTensor[],
  levels: number | null,
): StoredValues[] {
  const expected = levels === null ? tensors.length : tensors.length + 1;
  const entry = levels === null ? valuesEntry : codesEntry;
  const known = new Set([
    ...tensors.map(({ name }) => entry(name)),
    ...(levels === null ? [] : [scalesEntry]),
  ]);
  const foreign = [...state.keys()].filter((name) => !known.has(name));
  const missing = [...known].filter((name) => !state.has(name));
  if (foreign.length > 0 || missing.length > 0) {
    throw unfit(
      `expected ${expected} tensors`,
      `missing: ${quoted(missing)}; not described in the metadata: ${quoted(foreign)}`,
    );
  }
  if (levels === null)
    return tensors.map((tensor) => readValues(state.get(valuesEntry(tensor.name))!, tensor));
  const scales = readScales(state.get(scalesEntry)!, tensors);
  return tensors.map((tensor, i) => {
    const [lo, hi] = scales[i]!;
    return { packed: readCodes(state.get(codesEntry(tensor.name))!, tensor, levels), lo, hi };
  });
}

function readValues(data: TensorData, { name, shape }: DescribedTensor): StoredValues {
  checkEntry(valuesEntry(name), data, 'F32', shape);
  return { values: finiteValues(data, valuesEntry(name)) as Float32Array };
}

function readCodes(data: TensorData, { name, shape }: DescribedTensor, levels: number): Uint8Array {
  const where = codesEntry(name);
  const bits = bitsForLevels(levels);
  const count = product(shape);
  checkEntry(where, data, 'U8', [Math.ceil((count * bits) / 8)]);
  if (count * bits < data.bytes.length * 8 && data.bytes.at(-1)! >>> ((count * bits) % 8) !== 0) {
    throw new RwsError(
      'RWS_CODES_INVALID',
      `${where}: unused bits of the last byte are set; the file is damaged.`,
    );
  }
  if (levels < 2 ** bits) {
    const codes = unpackBits(data.bytes, bits, count);
    const beyond = codes.findIndex((code) => code >= levels);
    if (beyond >= 0) {
      throw new RwsError(
        'RWS_CODES_INVALID',
        `${where}: code ${codes[beyond]} at element ${beyond}, but there are ${levels} levels; the file is damaged.`,
      );
    }
  }
  return data.bytes;
}

function readScales(data: TensorData, tensors: readonly DescribedTensor[]): [lo: number, hi: number][] {
  checkEntry(scalesEntry, data, 'F32', [tensors.length, 2]);
  const scales = toFloat32(data);
  return tensors.map(({ name }, i) => {
    const lo = scales[2 * i]!;
    const hi = scales[2 * i + 1]!;
    if (!(lo <= hi && Number.isFinite(Math.fround(hi - lo)))) {
      throw new RwsError(
        'RWS_SCALE_INVALID',
        `${scalesEntry}: "${name}" ranges from ${lo} to ${hi}, which is no finite float32 range; the file is damaged.`,
      );
    }
    return [lo, hi];
  });
}

function checkEntry(
  name: string,
  { dtype, shape }: TensorData,
  wanted: string,
  size: readonly number[],
): void {
  if (dtype !== wanted || shape.join() !== size.join()) {
    throw unfit(`"${name}"`, `expected ${wanted} [${size.join(', ')}], got ${dtype} [${shape.join(', ')}]`);
  }
}

function unfit(where: string, what: string): RwsError {
  return new RwsError(
    'RWS_TENSORS_INVALID',
    `${where}: ${what}; the file was damaged or not written to FORMAT.md.`,
  );
}

function quoted(names: readonly string[]): string {
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  return `${shown.join(', ') || 'none'}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
}

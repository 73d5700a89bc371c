import { packBits, type StateDict, type TensorData, toFloat32, unpackBits } from '@proj/tensor-io';
import { RwsError } from './error.ts';
import { finiteValues, nonFiniteIndex, product } from './floats.ts';
import { type CodingQuantizer, dequantizationTable, type Quantizer, type Range } from './quantizer.ts';
import { decodeRans } from './rans.ts';
import {
  hashesEntry,
  ransEntry,
  type StreamLayout,
  scaleColumns,
  scalesEntry,
  statisticsEntry,
  streamLayouts,
} from './signature-layout.ts';
import type { Form, StoredAs, StoredValues, Stream } from './storage.ts';

type DescribedTensor = StoredAs & { readonly name: string; readonly form: Form };

/** The SHA-256 of a tensor in the three models; `init` is null where the table has zeros. */
interface TensorHashes {
  readonly init: string | null;
  readonly standard: string;
  readonly robust: string;
}

/** norm, p and directionNorm of a tensor. */
type TensorStatistics = readonly [norm: number, p: number, directionNorm: number];

/** Takes the payload of every described tensor out of a file's tensors, which must hold exactly that. */
export function readPayload(
  state: StateDict,
  tensors: readonly DescribedTensor[],
  quantizer: Quantizer,
): { hashes: TensorHashes[]; statistics: TensorStatistics[]; stored: StoredValues[] } {
  const layouts = tensors.map((tensor) => streamLayouts(tensor, tensor.form, quantizer));
  checkNames(state, layouts.flat());
  const scales = readScales(
    state,
    layouts.flat().filter(({ scaled }) => scaled),
    quantizer,
  );
  let row = 0;
  const stored = tensors.map(({ form }, i) => ({
    form,
    streams: layouts[i]!.map((layout): Stream => {
      if (layout.coding === undefined) return readValues(state, layout);
      const range = layout.scaled ? scales[row++]! : { lo: 0, hi: 1, zero: false };
      const packed = readCodes(state, layout, range.zero);
      return { packed, ...range };
    }),
  }));
  for (const [i, { form, streams }] of stored.entries()) {
    if (form.kind === 'sparse') checkMask(layouts[i]![0]!, streams[0]!, form.kept);
  }
  const hashes = readHashes(state.get(hashesEntry)!, tensors.length);
  return { hashes, statistics: readStatistics(state.get(statisticsEntry)!, tensors.length), stored };
}

function checkNames(state: StateDict, layouts: readonly StreamLayout[]): void {
  const tables = [hashesEntry, statisticsEntry];
  if (layouts.some(({ scaled }) => scaled)) tables.push(scalesEntry);
  const known = new Set(tables);
  const missing = tables.filter((name) => !state.has(name));
  for (const { entry, coding } of layouts) {
    const plain = state.has(entry);
    known.add(plain || coding === undefined ? entry : ransEntry(entry));
    if (!plain && (coding === undefined || !state.has(ransEntry(entry)))) missing.push(entry);
  }
  const foreign = [...state.keys()].filter((name) => !known.has(name));
  if (foreign.length > 0 || missing.length > 0) {
    throw unfit(
      `expected ${known.size} tensors`,
      `missing: ${quoted(missing)}; not described in the metadata: ${quoted(foreign)}`,
    );
  }
}

function readValues(state: StateDict, { entry, shape }: StreamLayout): Stream {
  const data = state.get(entry)!;
  checkEntry(entry, data, 'F32', shape);
  return { values: finiteValues(data, entry) as Float32Array };
}

function readCodes(state: StateDict, { entry, shape, coding }: StreamLayout, zero: boolean): Uint8Array {
  const { bits } = coding!;
  const symbols = coding!.symbols(zero);
  const count = product(shape);
  const plain = state.get(entry);
  if (plain === undefined) return packBits(readRans(state, entry, symbols, count), bits);
  checkEntry(entry, plain, 'U8', [Math.ceil((count * bits) / 8)]);
  if (count * bits < plain.bytes.length * 8 && plain.bytes.at(-1)! >>> ((count * bits) % 8) !== 0) {
    throw badCodes(entry, 'unused bits of the last byte are set');
  }
  if (symbols < 2 ** bits) {
    const codes = unpackBits(plain.bytes, bits, count);
    const beyond = codes.findIndex((code) => code >= symbols);
    if (beyond >= 0) {
      throw badCodes(entry, `code ${codes[beyond]} at element ${beyond}, but there are ${symbols} levels`);
    }
  }
  return plain.bytes;
}

function readRans(state: StateDict, entry: string, symbols: number, count: number): Uint8Array {
  const name = ransEntry(entry);
  const data = state.get(name)!;
  checkEntry(name, data, 'U8', [data.bytes.length]);
  const codes = decodeRans(data.bytes, symbols, count);
  if (codes === undefined) throw badCodes(name, `not the entropy coding of ${count} codes below ${symbols}`);
  return codes;
}

function checkMask({ entry }: StreamLayout, stream: Stream, kept: number): void {
  let ones = 0;
  for (const byte of (stream as { packed: Uint8Array }).packed) {
    for (let rest = byte; rest > 0; rest &= rest - 1) ones++;
  }
  if (ones !== kept) throw badCodes(entry, `it marks ${ones} values, but ${kept} are stored`);
}

function readScales(state: StateDict, layouts: readonly StreamLayout[], quantizer: Quantizer): Range[] {
  if (layouts.length === 0) return [];
  const columns = scaleColumns(quantizer);
  const data = state.get(scalesEntry)!;
  checkEntry(scalesEntry, data, 'F32', [layouts.length, columns]);
  const scales = toFloat32(data);
  return layouts.map(({ entry }, i) => {
    const [lo, hi, flag = 0] = scales.subarray(i * columns, (i + 1) * columns) as unknown as number[];
    const range = { lo: lo!, hi: hi!, zero: flag === 1 };
    if (
      !(range.lo <= range.hi) ||
      (flag !== 0 && flag !== 1) ||
      nonFiniteIndex(dequantizationTable(quantizer as CodingQuantizer, range)) >= 0 ||
      (quantizer.scheme === 'sign' && range.lo !== -range.hi)
    ) {
      throw new RwsError(
        'RWS_SCALE_INVALID',
        `${scalesEntry}: ${[lo, hi, flag].join(', ')} of "${entry}" give no finite float32 levels; the file is damaged.`,
      );
    }
    return range;
  });
}

function readHashes(data: TensorData, count: number): TensorHashes[] {
  checkEntry(hashesEntry, data, 'U8', [count, 3, 32]);
  return Array.from({ length: count }, (_, i) => {
    const [init, standard, robust] = [0, 1, 2].map((j) => {
      const at = 32 * (3 * i + j);
      return [...data.bytes.subarray(at, at + 32)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    }) as [string, string, string];
    return { init: /^0+$/.test(init) ? null : init, standard, robust };
  });
}

function readStatistics(data: TensorData, count: number): TensorStatistics[] {
  checkEntry(statisticsEntry, data, 'F64', [count, 3]);
  const values = finiteValues(data, statisticsEntry);
  return Array.from({ length: count }, (_, i) => {
    const [norm, p, directionNorm] = values.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
    if (norm < 0 || directionNorm < 0) {
      throw unfit(statisticsEntry, `row ${i} has norms ${norm} and ${directionNorm}`);
    }
    return [norm, p, directionNorm];
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

function badCodes(entry: string, what: string): RwsError {
  return new RwsError('RWS_CODES_INVALID', `${entry}: ${what}; the file is damaged.`);
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

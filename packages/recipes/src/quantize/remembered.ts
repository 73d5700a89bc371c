import type { DType, StateDict, TensorData } from '@proj/tensor-io';

/** Name of the tensor that holds everything but the arrays, as JSON. */
const REST = 'rest';

const kinds = {
  Int8Array: ['I8', Int8Array],
  Uint8Array: ['U8', Uint8Array],
  Int16Array: ['I16', Int16Array],
  Float32Array: ['F32', Float32Array],
  // Counts, which do not reach 2^31.
  Uint32Array: ['I32', Uint32Array],
} as const satisfies Record<string, readonly [DType, unknown]>;

type Kind = keyof typeof kinds;
/** Stands in the JSON for an array. */
interface Reference {
  readonly array: string;
  readonly kind: Kind;
}

/** A value made of plain objects, numbers, text and typed arrays as tensors for a checkpoint, copied. */
export function remembered(value: unknown): StateDict {
  const state = new Map<string, TensorData>();
  const json = JSON.stringify(value, (_, part: unknown) => {
    if (!ArrayBuffer.isView(part)) return part;
    const kind = part.constructor.name as Kind;
    const array = `${state.size}`;
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength).slice();
    state.set(array, { dtype: kinds[kind][0], shape: [(part as Uint8Array).length], bytes });
    return { array, kind } satisfies Reference;
  });
  const bytes = new TextEncoder().encode(json);
  return state.set(REST, { dtype: 'U8', shape: [bytes.length], bytes });
}

/** What {@link remembered} was given, in memory of its own; undefined for an empty state. */
export function recalled(state: StateDict): unknown {
  const rest = state.get(REST);
  if (rest === undefined) return undefined;
  return JSON.parse(new TextDecoder().decode(rest.bytes), (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || !('array' in part)) return part;
    const { array, kind } = part as Reference;
    return new kinds[kind][1](state.get(array)!.bytes.slice().buffer);
  });
}

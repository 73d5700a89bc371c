import { elementBytes, elementCount, MAX_RANK } from './dtype.ts';
import { TensorIoError } from './errors.ts';
import type { PickleHost } from './pickle.ts';
import type { PickleBudget } from './pickle-budget.ts';
import { PickleFunction, type PickleKey, PickleObject, type PickleValue } from './pickle-values.ts';
import type { DType, TensorData } from './state.ts';
import { checkView, inCOrder, isContiguous } from './strided.ts';

const STORAGES: ReadonlyMap<string, DType> = new Map([
  ['torch.DoubleStorage', 'F64'],
  ['torch.FloatStorage', 'F32'],
  ['torch.HalfStorage', 'F16'],
  ['torch.BFloat16Storage', 'BF16'],
  ['torch.LongStorage', 'I64'],
  ['torch.IntStorage', 'I32'],
  ['torch.ShortStorage', 'I16'],
  ['torch.CharStorage', 'I8'],
  ['torch.ByteStorage', 'U8'],
  ['torch.BoolStorage', 'BOOL'],
]);

/** dtypes that a checkpoint may mention as values; they are read as these strings. */
const DTYPE_NAMES: ReadonlySet<string> = new Set(
  ['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'].map(
    (name) => `torch.${name}`,
  ),
);

/** Copies of strided tensors may take this many times the file's bytes, plus a mebibyte: an expanded tensor of one number can claim any size (CWE-409). */
const MAX_EXPANSION = 4;

class StorageType extends PickleObject {
  readonly label: string;
  readonly dtype: DType;

  constructor(label: string, dtype: DType) {
    super();
    this.label = label;
    this.dtype = dtype;
  }
}

class Storage extends PickleObject {
  readonly label: string;
  readonly dtype: DType;
  readonly bytes: Uint8Array;

  constructor(label: string, dtype: DType, bytes: Uint8Array) {
    super();
    this.label = label;
    this.dtype = dtype;
    this.bytes = bytes;
  }
}

/** A tensor inside the unpickler. */
export class PickledTensor extends PickleObject {
  readonly label = 'a tensor';
  readonly data: TensorData;

  constructor(data: TensorData) {
    super();
    this.data = data;
  }
}

/**
 * The globals of a PyTorch state dict, each rebuilt here; none is ever imported or evaluated.
 *
 * @param storage bytes of a storage by its key
 * @param fileBytes size of the file, the measure for how much strided tensors may expand to
 * @param budget pays for what calls make beyond the object that they return
 */
export function torchHost(
  storage: (key: string) => Uint8Array,
  fileBytes: number,
  budget: PickleBudget,
  where: string,
): PickleHost {
  const error = (code: 'TIO_BAD_PTH' | 'TIO_SIZE_MISMATCH' | 'TIO_TOO_LARGE', reason: string) =>
    new TensorIoError(code, `${where}: ${reason}.`);
  /** A size or strides; one memoised tuple may be used for every tensor, so its length is bounded before it is looked at. */
  const axes = (value: PickleValue | undefined): readonly number[] | undefined => {
    if (!Array.isArray(value)) return undefined;
    if (value.length > MAX_RANK) throw error('TIO_TOO_LARGE', `a tensor of ${value.length} axes`);
    budget.spend(value.length);
    return value.every((item: PickleValue) => typeof item === 'number') ? value : undefined;
  };
  let room = MAX_EXPANSION * fileBytes + 2 ** 20;

  const rebuildTensor = (args: readonly PickleValue[]): PickledTensor => {
    const [source, offset, size, steps, , , flags] = args;
    const shape = axes(size);
    const strides = axes(steps);
    if (!(source instanceof Storage && typeof offset === 'number' && shape && strides)) {
      throw error('TIO_BAD_PTH', 'a tensor is not made of a storage, an offset, a size and strides');
    }
    if (flags instanceof Map && flags.size > 0) {
      throw error('TIO_BAD_PTH', 'a tensor is marked as conjugated or negated; save it after .resolve_neg()');
    }
    const { dtype, bytes, label } = source;
    const width = elementBytes(dtype);
    const view = { width, offset, shape, strides };
    checkView(view, bytes.length / width, `${where}: tensor of ${label}`);
    if (!isContiguous(view)) room -= elementCount(shape, where) * width;
    if (room < 0) {
      throw error(
        'TIO_TOO_LARGE',
        `strided tensors take more than ${MAX_EXPANSION} times the file; save them after .contiguous()`,
      );
    }
    return new PickledTensor({ dtype, shape: [...shape], bytes: inCOrder(bytes, view) });
  };

  const functions = new Map(
    [
      new PickleFunction('torch._utils._rebuild_tensor', rebuildTensor),
      new PickleFunction('torch._utils._rebuild_tensor_v2', rebuildTensor),
      new PickleFunction('torch._utils._rebuild_parameter', ([data]) => {
        if (data instanceof PickledTensor) return data;
        throw error('TIO_BAD_PTH', 'a parameter is not made of a tensor');
      }),
      new PickleFunction('collections.OrderedDict', (args) => orderedDict(args, budget, error)),
      new PickleFunction('torch.Size', ([sizes]) => {
        const shape = axes(sizes);
        if (shape) return shape;
        throw error('TIO_BAD_PTH', 'a torch.Size is not made of numbers');
      }),
      new PickleFunction('torch.device', (args) => {
        const [name, index] = args;
        if (args.length === 1 && typeof name === 'string') return name;
        if (args.length === 2 && typeof name === 'string' && typeof index === 'number')
          return `${name}:${index}`;
        throw error('TIO_BAD_PTH', 'a torch.device is not made of a name and a number');
      }),
    ].map((callable) => [callable.label, callable]),
  );

  return {
    global(name) {
      const dtype = STORAGES.get(name);
      if (dtype !== undefined) return new StorageType(name, dtype);
      if (DTYPE_NAMES.has(name)) return name;
      const callable = functions.get(name);
      if (callable !== undefined) return callable;
      throw new TensorIoError(
        'TIO_PICKLE_GLOBAL',
        `${where}: the pickle asks for ${JSON.stringify(name)}, which is not read: only tensors and plain containers are. Save a state dict of tensors, numbers and strings.`,
      );
    },
    persistent(id) {
      const [kind, type, key, , count] = Array.isArray(id) ? (id as readonly PickleValue[]) : [];
      if (kind !== 'storage' || !(type instanceof StorageType) || typeof key !== 'string') {
        throw error('TIO_BAD_PTH', 'a persistent id names no storage');
      }
      const bytes = storage(key);
      if (typeof count !== 'number' || bytes.length !== count * elementBytes(type.dtype)) {
        throw error(
          'TIO_SIZE_MISMATCH',
          `storage ${key} (${type.label}) holds ${bytes.length} bytes, ${count} elements are claimed`,
        );
      }
      return new Storage(`storage ${key}`, type.dtype, bytes);
    },
  };
}

/** Made empty and filled afterwards, or, by Python 2, made of one list of pairs. */
function orderedDict(
  [pairs]: readonly PickleValue[],
  budget: PickleBudget,
  error: (code: 'TIO_BAD_PTH', reason: string) => TensorIoError,
): Map<PickleKey, PickleValue> {
  const dict = new Map<PickleKey, PickleValue>();
  if (pairs === undefined) return dict;
  if (!Array.isArray(pairs)) throw error('TIO_BAD_PTH', 'an OrderedDict is not made of pairs');
  budget.spend(2 * pairs.length);
  for (const pair of pairs as readonly PickleValue[]) {
    const [key, value] = Array.isArray(pair) ? (pair as readonly PickleValue[]) : [];
    if (typeof key !== 'string' || value === undefined)
      throw error('TIO_BAD_PTH', 'an OrderedDict is not made of pairs');
    dict.set(key, value);
  }
  return dict;
}

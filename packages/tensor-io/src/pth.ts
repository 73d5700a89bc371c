import { TensorIoError } from './errors.ts';
import { unpickle } from './pickle.ts';
import { PickleBudget } from './pickle-budget.ts';
import { type PickleKey, PickleObject, type PickleValue } from './pickle-values.ts';
import { PickledTensor, torchHost } from './pth-globals.ts';
import type { TensorData } from './state.ts';
import { readZip, type ZipEntry } from './zip.ts';

/** What a `.pth` file may hold: dicts are Maps, lists and tuples arrays, None null, integers beyond 2^53 bigints. */
export type PthValue =
  | TensorData
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly PthValue[]
  | ReadonlyMap<PickleKey, PthValue>;

/** A `.pth` or `.pt` file. */
export interface PthFile {
  /** The tensors of the state dict, nested names joined with dots. */
  readonly state: Map<string, TensorData>;
  /** Under which key of the file the state dict lay; `undefined` when the file is the state dict. */
  readonly key: string | undefined;
  /** Everything in the file, as it was nested. */
  readonly value: PthValue;
}

/** Deepest nesting read: it keeps the recursion shallow (CWE-674). */
const MAX_DEPTH = 64;

/** Most values a file may unfold to; lists that hold a list twice grow exponentially (CWE-776). */
const MAX_VALUES = 1_000_000;

/** Longest `data.pkl`, in bytes, inflated (CWE-409); a state dict takes about 250 a tensor. */
const MAX_PICKLE_BYTES = 2 ** 26;

/** Longest name of a tensor: every tensor of a nested dict gets a copy of the names above it. */
const MAX_NAME_LENGTH = 4096;

/** Where training scripts keep the model, in the order in which they are tried. */
const USUAL_KEYS = ['state_dict', 'model', 'model_state_dict', 'net'];

/**
 * Reads what `torch.save` wrote (PyTorch 1.6 or newer) without executing any of it: a restricted unpickler knows tensors,
 * parameters, numbers, strings, booleans, None, lists, tuples, dicts and torch.Size; devices and dtypes become strings;
 * every other global is refused by name. Tensors that share a storage stay views of `bytes`; those that do not lie in
 * C order are copied. `requires_grad` and the module versions in `_metadata` are not kept.
 *
 * The state dict is the entry `key`, or else, in this order: the entry `state_dict`, `model`, `model_state_dict` or `net`
 * that holds tensors; the file itself when tensors lie at its top; the only entry that holds tensors.
 * A tensor saved alone is called `tensor`.
 *
 * @param options.key entry of the file to take the state dict from
 * @param options.source name of the file in messages
 * @throws {TensorIoError} `TIO_OLD_PTH`, `TIO_BAD_PTH`, `TIO_BAD_PICKLE`, `TIO_PICKLE_GLOBAL`, `TIO_BAD_STRIDES`, `TIO_SIZE_MISMATCH`,
 * `TIO_NO_STATE_DICT`, `TIO_DUPLICATE_NAME`, `TIO_TOO_DEEP`, `TIO_TOO_LARGE`, `TIO_TRAILING_BYTES`, `TIO_NOT_UTF8`, `TIO_BAD_ZIP`,
 * `TIO_BAD_SHAPE`, `TIO_OVERFLOW`.
 */
export function parsePth(bytes: Uint8Array, options: { key?: string; source?: string } = {}): PthFile {
  const source = options.source ?? 'pth';
  const value = readValue(bytes, source);
  const key = options.key ?? chooseKey(value, source);
  const state = new Map<string, TensorData>();
  const chosen = key === undefined ? value : value instanceof Map ? value.get(key) : undefined;
  if (chosen !== undefined && isTensor(chosen)) state.set('tensor', chosen);
  else if (chosen !== undefined) collectTensors(chosen, undefined, state, { left: MAX_VALUES }, source);
  if (chosen === undefined || state.size === 0) throw noStateDict(value, source);
  return { state, key, value };
}

/** The pickles of an archive that may be a PyTorch file: `data.pkl` in its root folder. */
function picklesOf(entries: ReadonlyMap<string, ZipEntry>): string[] {
  return [...entries.keys()].filter((name) => /^[^/]*\/data\.pkl$/.test(name));
}

/** Whether a zip archive is a PyTorch file. @throws {TensorIoError} as `readZip` does. */
export function isPth(bytes: Uint8Array, where: string): boolean {
  return picklesOf(readZip(bytes, where)).length > 0;
}

function readValue(bytes: Uint8Array, where: string): PthValue {
  if (bytes[0] === 0x80) {
    throw new TensorIoError(
      'TIO_OLD_PTH',
      `${where}: a bare pickle, as PyTorch before 1.6 saved; load it in Python and torch.save it again.`,
    );
  }
  const entries = readZip(bytes, where);
  const pickles = picklesOf(entries);
  if (pickles.length !== 1) {
    throw new TensorIoError(
      'TIO_BAD_PTH',
      `${where}: a PyTorch file holds one data.pkl, this archive ${pickles.length}.`,
    );
  }
  const root = pickles[0]!.slice(0, -'data.pkl'.length);
  const order = entries.get(`${root}byteorder`);
  if (order !== undefined && (order.size !== 6 || new TextDecoder().decode(order.read()) !== 'little')) {
    throw new TensorIoError(
      'TIO_BAD_PTH',
      `${where}: written on a big-endian machine; save it on a little-endian one.`,
    );
  }
  const storages = new Map<string, Uint8Array>();
  const storage = (key: string): Uint8Array => {
    const known = storages.get(key);
    if (known !== undefined) return known;
    const entry = entries.get(`${root}data/${key}`);
    if (entry === undefined) {
      throw new TensorIoError('TIO_BAD_PTH', `${where}: storage ${JSON.stringify(key)} is missing.`);
    }
    const content = entry.read();
    storages.set(key, content);
    return content;
  };
  const pickle = entries.get(pickles[0]!)!;
  if (pickle.size > MAX_PICKLE_BYTES) {
    throw new TensorIoError(
      'TIO_TOO_LARGE',
      `${where}: a data.pkl of ${pickle.size} bytes, at most ${MAX_PICKLE_BYTES} are read; save tensors, not lists of numbers.`,
    );
  }
  const budget = new PickleBudget(where);
  const host = torchHost(storage, bytes.length, budget, where);
  const pickled = unpickle(pickle.read(), host, budget, where);
  return new Plain(where).convert(pickled, 0);
}

/** Turns the unpickler's values into plain ones; what is shared stays shared. */
class Plain {
  private readonly where: string;
  private readonly done = new Map<PickleValue, PthValue>();
  private readonly open = new Set<PickleValue>();

  constructor(where: string) {
    this.where = where;
  }

  convert(value: PickleValue, depth: number): PthValue {
    if (value === null || typeof value !== 'object') return value;
    if (value instanceof PickledTensor) return value.data;
    if (value instanceof PickleObject)
      throw this.error('TIO_BAD_PTH', `${value.label} lies where a value belongs`);
    const known = this.done.get(value);
    if (known !== undefined) return known;
    if (this.open.has(value)) throw this.error('TIO_BAD_PTH', 'a container holds itself');
    if (depth > MAX_DEPTH)
      throw this.error('TIO_TOO_DEEP', `containers nested more than ${MAX_DEPTH} levels deep`);
    this.open.add(value);
    const plain: PthValue =
      value instanceof Map
        ? new Map([...value].map(([key, item]) => [key, this.convert(item, depth + 1)]))
        : value.map((item) => this.convert(item, depth + 1));
    this.open.delete(value);
    this.done.set(value, plain);
    return plain;
  }

  private error(code: 'TIO_BAD_PTH' | 'TIO_TOO_DEEP', reason: string): TensorIoError {
    return new TensorIoError(code, `${this.where}: ${reason}.`);
  }
}

function isTensor(value: PthValue): value is TensorData {
  return value !== null && typeof value === 'object' && 'bytes' in value;
}

/** Children of a container by name; a scalar and a tensor have none. */
function children(value: PthValue): [string, PthValue][] {
  if (value instanceof Map) return [...value].map(([key, item]) => [String(key), item]);
  return Array.isArray(value) ? value.map((item: PthValue, i) => [String(i), item]) : [];
}

/** Whether a tensor lies in a value; `known` holds the answer for containers already seen. */
function holdsTensors(value: PthValue, known: Map<PthValue, boolean>): boolean {
  if (isTensor(value)) return true;
  if (value === null || typeof value !== 'object') return false;
  const answer = known.get(value) ?? children(value).some(([, item]) => holdsTensors(item, known));
  known.set(value, answer);
  return answer;
}

function chooseKey(value: PthValue, where: string): string | undefined {
  if (!(value instanceof Map)) return undefined;
  const known = new Map<PthValue, boolean>();
  const holders = [...value]
    .filter(([, item]) => !isTensor(item) && holdsTensors(item, known))
    .map(([key]) => key);
  const usual = USUAL_KEYS.find((key) => holders.includes(key));
  if (usual !== undefined || [...value.values()].some(isTensor)) return usual;
  const [only, ...others] = holders;
  if (typeof only !== 'string' || others.length > 0) throw noStateDict(value, where);
  return only;
}

function noStateDict(value: PthValue, where: string): TensorIoError {
  const known = new Map<PthValue, boolean>();
  const entries = children(value);
  const shown = entries
    .slice(0, 20)
    .map(([key, item]) => (holdsTensors(item, known) ? `${key} (holds tensors)` : key));
  if (entries.length > shown.length) shown.push('...');
  return new TensorIoError(
    'TIO_NO_STATE_DICT',
    `${where}: which part is the state dict? Pass its name as key; the file holds ${shown.join(', ') || 'no entries'}.`,
  );
}

/** Adds the tensors below a container, whose own name is `prefix`. */
function collectTensors(
  container: PthValue,
  prefix: string | undefined,
  state: Map<string, TensorData>,
  budget: { left: number },
  where: string,
): void {
  for (const [key, value] of children(container)) {
    if (--budget.left < 0) {
      throw new TensorIoError(
        'TIO_TOO_LARGE',
        `${where}: the state dict unfolds to more than ${MAX_VALUES} values.`,
      );
    }
    const length = key.length + (prefix === undefined ? 0 : prefix.length + 1);
    if (length > MAX_NAME_LENGTH) {
      throw new TensorIoError(
        'TIO_TOO_LARGE',
        `${where}: a name of ${length} characters, ${JSON.stringify(key.slice(0, 40))}...; at most ${MAX_NAME_LENGTH} are read.`,
      );
    }
    const name = prefix === undefined ? key : `${prefix}.${key}`;
    if (!isTensor(value)) {
      collectTensors(value, name, state, budget, where);
    } else if (state.has(name)) {
      throw new TensorIoError(
        'TIO_DUPLICATE_NAME',
        `${where}: two tensors are called ${JSON.stringify(name)}.`,
      );
    } else {
      state.set(name, value);
    }
  }
}

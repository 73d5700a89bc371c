import { type StateDict, sha256, type TensorData, tensorSha256 } from '@proj/tensor-io';

/** What is used of Node's own crypto, which hashes short texts some fifty times as fast as WebCrypto starts to. */
interface NodeCrypto {
  createHash(name: 'sha256'): { update(bytes: Uint8Array): { digest(encoding: 'hex'): string } };
}
interface NodeProcess {
  getBuiltinModule?(name: 'node:crypto'): NodeCrypto | undefined;
}

const node = (globalThis as { process?: NodeProcess }).process?.getBuiltinModule?.('node:crypto');

/** From here on a thread of WebCrypto's is worth the copy that it makes. */
const threadedBytes = 2 ** 17;

/** `tensorSha256`, the same in less time. */
async function tensorHash(tensor: TensorData): Promise<string> {
  if (node === undefined) return tensorSha256(tensor);
  const { dtype, shape, bytes } = tensor;
  const content = bytes.length >= threadedBytes ? await sha256(bytes) : hashNow(node, bytes);
  return hashNow(node, new TextEncoder().encode(`${dtype}[${shape.join(',')}]:${content}`));
}

function hashNow({ createHash }: NodeCrypto, bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Adds `tensorSha256` of the named tensors to `known` where it is not there yet; all at once, as the platform hashes in threads. */
export async function hashTensors(
  state: StateDict,
  names: readonly string[],
  known: Map<string, string>,
): Promise<void> {
  const wanted = names.filter((name) => !known.has(name));
  const hashes = await Promise.all(wanted.map((name) => tensorHash(state.get(name)!)));
  for (const [i, name] of wanted.entries()) known.set(name, hashes[i]!);
}

/** `stateSha256` of a state some of whose tensor hashes are known; the others are added to `known`. */
export async function hashState(state: StateDict, known: Map<string, string>): Promise<string> {
  await hashTensors(state, [...state.keys()], known);
  const encoder = new TextEncoder();
  // Bytes of UTF-8 are in the order of code points.
  const names = [...state.keys()].map((name) => ({ name, bytes: encoder.encode(name) }));
  names.sort((a, b) => compareBytes(a.bytes, b.bytes));
  const lines = names.map(({ name }) => `${JSON.stringify([name, known.get(name)])}\n`);
  return sha256(encoder.encode(lines.join('')));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

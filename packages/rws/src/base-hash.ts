import { type StateDict, sha256 } from '@proj/tensor-io';
import { fingerprint } from './fit.ts';

/** `stateSha256` of a state some of whose tensor hashes are known, the others being computed all at once and added to `known`. */
export async function stateHash(state: StateDict, known: Map<string, string>): Promise<string> {
  await fingerprint(state, [...state.keys()], known);
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

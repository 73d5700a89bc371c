import { type Metadata, openSafetensors, type StateDict } from '@proj/tensor-io';

/** Length of a safetensors file's start, up to its first tensor. */
export function headerBytes(file: Uint8Array): number {
  const { buffer, byteOffset } = file;
  return 8 + Number(new DataView(buffer, byteOffset, 8).getBigUint64(0, true));
}

/**
 * A safetensors file in pieces: the header that it had, and the tensors where that says; undefined when the header is not that of these
 * tensors and this metadata.
 */
export async function withHeader(
  header: Uint8Array<ArrayBuffer>,
  state: StateDict,
  metadata: Metadata,
): Promise<Uint8Array[] | undefined> {
  const size = [...state.values()].reduce((sum, { bytes }) => sum + bytes.length, header.length);
  const start = { size, read: async (at: number, length: number) => header.subarray(at, at + length) };
  const opened = await openSafetensors(start).catch(() => undefined);
  if (opened === undefined || headerBytes(header) !== header.length) return undefined;
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  const fits =
    opened.names.length === state.size &&
    opened.names.every((name) => {
      const { dtype, shape } = opened.info(name);
      const tensor = state.get(name);
      return tensor?.dtype === dtype && same(tensor.shape, shape);
    });
  if (!fits || !same(sorted(opened.metadata), sorted(metadata))) return undefined;
  return [header, ...opened.names.map((name) => state.get(name)!.bytes)];
}

const sorted = (metadata: Metadata) => [...metadata].sort(([a], [b]) => (a < b ? -1 : 1));

/** A safetensors file in pieces, its tensors in the order of `state`, one after the other. */
export function inOrder(state: StateDict, metadata: Metadata): Uint8Array[] {
  const fields = [
    `"__metadata__":{${[...metadata].map(([key, text]) => `${JSON.stringify(key)}:${JSON.stringify(text)}`).join(',')}}`,
  ];
  let end = 0;
  for (const [name, { dtype, shape, bytes }] of state) {
    const begin = end;
    end += bytes.length;
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${begin},${end}]}`,
    );
  }
  const json = new TextEncoder().encode(`{${fields.join(',')}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  header.set(json, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  return [header, ...[...state.values()].map(({ bytes }) => bytes)];
}

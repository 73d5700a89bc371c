/** The fields of a protobuf message as its wire format has them: integers as bigints, floats as numbers, the rest as bytes. */
export type Fields = ReadonlyMap<number, readonly (bigint | number | Uint8Array)[]>;

/** Reads a message by the rules of the wire format alone, knowing no schema. */
export function decode(bytes: Uint8Array): Fields {
  const fields = new Map<number, (bigint | number | Uint8Array)[]>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
  };
  const fixed32 = (): number => {
    at += 4;
    return view.getFloat32(at - 4, true);
  };
  const delimited = (): Uint8Array => {
    const length = Number(varint());
    at += length;
    if (at > bytes.length) throw new RangeError(`a field ends ${at - bytes.length} bytes behind the message`);
    return bytes.subarray(at - length, at);
  };
  const readers = new Map<number, () => bigint | number | Uint8Array>([
    [0, varint],
    [2, delimited],
    [5, fixed32],
  ]);
  while (at < bytes.length) {
    const key = Number(varint());
    const value = readers.get(key & 7)!();
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

export const messages = (fields: Fields, field: number): Fields[] =>
  (fields.get(field) ?? []).map((bytes) => decode(bytes as Uint8Array));

export const texts = (fields: Fields, field: number): string[] =>
  (fields.get(field) ?? []).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));

export const integers = (fields: Fields, field: number): number[] => (fields.get(field) ?? []).map(Number);

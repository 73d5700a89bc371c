import { crc32 } from '../src/crc32.ts';

/** One entry of a hand-made archive; every field that a hostile writer could choose can be chosen. */
export interface ZipPart {
  readonly name: string | Uint8Array;
  readonly data: Uint8Array;
  readonly localName?: string;
  readonly method?: number;
  readonly flags?: number;
  readonly size?: number;
  readonly compressed?: number;
  readonly crc?: number;
  readonly start?: number;
  readonly extra?: Uint8Array;
}

/** Fields of the record at the end of the archive. */
export interface ZipEnd {
  readonly count?: number;
  readonly directoryBytes?: number;
  readonly directoryStart?: number;
  readonly comment?: Uint8Array;
  readonly zip64?: boolean;
  readonly zip64Record?: number;
}

const text = (value: string | Uint8Array) =>
  typeof value === 'string' ? new TextEncoder().encode(value) : value;
const u16 = (value: number) => [value & 0xff, (value >>> 8) & 0xff];
const u32 = (value: number) => [...u16(value), ...u16(value >>> 16)];
const u64 = (value: number) => [...u32(value % 2 ** 32), ...u32(Math.floor(value / 2 ** 32))];

/** A zip archive byte by byte, stored unless a method is given. */
export function zipFile(parts: readonly ZipPart[], end: ZipEnd = {}): Uint8Array<ArrayBuffer> {
  const file: number[] = [];
  const directory: number[] = [];
  for (const part of parts) {
    const { data, extra = new Uint8Array(), method = 0, flags = 0 } = part;
    const { size = data.length, compressed = data.length, crc = crc32(data), start = file.length } = part;
    const name = text(part.name);
    const localName = part.localName === undefined ? name : text(part.localName);
    const sizes = [...u32(crc), ...u32(compressed), ...u32(size)];
    file.push(...u32(0x04034b50), ...u16(20), ...u16(flags), ...u16(method), ...u32(0), ...sizes);
    file.push(...u16(localName.length), ...u16(0), ...localName);
    for (const byte of data) file.push(byte);
    directory.push(
      ...u32(0x02014b50),
      ...u16(20),
      ...u16(20),
      ...u16(flags),
      ...u16(method),
      ...u32(0),
      ...sizes,
    );
    directory.push(...u16(name.length), ...u16(extra.length), ...u16(0), ...u16(0), ...u16(0), ...u32(0));
    directory.push(...u32(start), ...name, ...extra);
  }
  const count = end.count ?? parts.length;
  const start = end.directoryStart ?? file.length;
  const size = end.directoryBytes ?? directory.length;
  const comment = end.comment ?? new Uint8Array();
  file.push(...directory);
  if (end.zip64) {
    const record = file.length;
    file.push(...u32(0x06064b50), ...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0));
    file.push(...u64(count), ...u64(count), ...u64(size), ...u64(start));
    file.push(...u32(0x07064b50), ...u32(0), ...u64(end.zip64Record ?? record), ...u32(1));
  }
  const full = (value: number, limit: number) => (end.zip64 ? limit : value);
  file.push(...u32(0x06054b50), ...u32(0), ...u16(full(count, 0xffff)), ...u16(full(count, 0xffff)));
  file.push(
    ...u32(full(size, 0xffffffff)),
    ...u32(full(start, 0xffffffff)),
    ...u16(comment.length),
    ...comment,
  );
  return new Uint8Array(file);
}

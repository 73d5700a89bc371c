import { inflateSync } from 'fflate';
import { crc32 } from './crc32.ts';
import { TensorIoError, type TensorIoErrorCode } from './errors.ts';
import { decodeUtf8 } from './utf8.ts';

/** Most bytes that the entries of one archive may inflate to, 2 GiB: a bound on what a small file can allocate (CWE-409). */
export const MAX_INFLATED_BYTES = 2 ** 31;

/** No deflate stream expands more: 258 bytes from a length and a distance code of one bit each. */
const MAX_DEFLATE_RATIO = 1032;

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const END_64_LOCATOR = 0x07064b50;
const END_BYTES = 22;
const STORED = 0;
const DEFLATED = 8;

/** One file of an archive; `read` inflates it and checks its length and CRC-32. */
export interface ZipEntry {
  readonly size: number;
  read(): Uint8Array;
}

/** Where an entry lies, as the central directory and its local header say. */
interface Location {
  readonly name: string;
  readonly start: number;
  readonly data: number;
  readonly compressed: number;
  readonly size: number;
  readonly method: number;
  readonly crc: number;
}

/**
 * The files of a zip archive by name (zip64 too). Everything is checked against the bytes at hand before anything is
 * inflated: counts, ranges, overlaps, equal names, the sizes an entry claims.
 *
 * @throws {TensorIoError} `TIO_BAD_ZIP`, `TIO_TOO_LARGE`, `TIO_DUPLICATE_NAME`, `TIO_NOT_UTF8`.
 */
export function readZip(bytes: Uint8Array, where: string): ReadonlyMap<string, ZipEntry> {
  const archive = new Archive(bytes, where);
  const locations = archive.locations();
  const entries = new Map<string, ZipEntry>();
  let inflated = 0;
  let end = 0;
  for (const location of [...locations].sort((a, b) => a.start - b.start)) {
    if (location.start < end)
      throw archive.bad(`entry ${JSON.stringify(location.name)} overlaps another one`);
    end = location.data + location.compressed;
    if (location.method === DEFLATED) inflated += location.size;
    if (inflated > MAX_INFLATED_BYTES) {
      throw archive.error('TIO_TOO_LARGE', `the archive inflates to more than ${MAX_INFLATED_BYTES} bytes`);
    }
  }
  for (const location of locations) {
    if (entries.has(location.name)) {
      throw archive.error('TIO_DUPLICATE_NAME', `two entries are called ${JSON.stringify(location.name)}`);
    }
    entries.set(location.name, { size: location.size, read: () => archive.read(location) });
  }
  return entries;
}

class Archive {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly where: string;

  constructor(bytes: Uint8Array, where: string) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.where = where;
  }

  error(code: TensorIoErrorCode, reason: string): TensorIoError {
    return new TensorIoError(code, `${this.where}: ${reason}.`);
  }

  bad(reason: string): TensorIoError {
    return this.error('TIO_BAD_ZIP', reason);
  }

  locations(): Location[] {
    const { count, start, end } = this.directory();
    const locations: Location[] = [];
    let at = start;
    for (let i = 0; i < count; i++) {
      if (at + 46 > end || this.view.getUint32(at, true) !== CENTRAL_HEADER) {
        throw this.bad('the central directory is damaged');
      }
      const length = 46 + [28, 30, 32].reduce((sum, field) => sum + this.view.getUint16(at + field, true), 0);
      if (at + length > end) throw this.bad('the central directory is damaged');
      locations.push(this.location(at, start));
      at += length;
    }
    if (at !== end) throw this.bad('the central directory is longer than its entries');
    return locations;
  }

  /** Number of entries and extent of the central directory, from the record at the very end. */
  private directory(): { count: number; start: number; end: number } {
    const { bytes, view } = this;
    let at = bytes.length - END_BYTES;
    const last = Math.max(0, at - 0xffff);
    while (at >= last && !this.isEnd(at)) at--;
    if (at < last) throw this.bad('no end of a zip archive; the file is cut off or no archive');
    const locator = at - 20;
    let end = at;
    let record = {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      start: view.getUint32(at + 16, true),
    };
    if (locator >= 0 && view.getUint32(locator, true) === END_64_LOCATOR) {
      end = Number(view.getBigUint64(locator + 8, true));
      if (end + 56 > locator || view.getUint32(end, true) !== END_64)
        throw this.bad('the zip64 record is damaged');
      const field = (offset: number) => Number(view.getBigUint64(end + offset, true));
      record = { count: field(32), size: field(40), start: field(48) };
    }
    if (record.start + record.size !== end) throw this.bad('the central directory is not where it should be');
    return { count: record.count, start: record.start, end };
  }

  private isEnd(at: number): boolean {
    const { view, bytes } = this;
    return (
      view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === bytes.length
    );
  }

  /** One entry of the directory at `at`, its fields checked against its local header; data ends before `limit`. */
  private location(at: number, limit: number): Location {
    const { bytes, view } = this;
    const nameLength = view.getUint16(at + 28, true);
    const rawName = bytes.subarray(at + 46, at + 46 + nameLength);
    const name = decodeUtf8(rawName, `${this.where}: the name of an entry`);
    const entry = `entry ${JSON.stringify(name)}`;
    const method = view.getUint16(at + 10, true);
    if (view.getUint16(at + 8, true) & 1) throw this.bad(`${entry} is encrypted`);
    if (method !== STORED && method !== DEFLATED)
      throw this.bad(`${entry} uses compression method ${method}`);
    const [size, compressed, start] = this.sizes(at, entry);
    if (start + 30 > limit || view.getUint32(start, true) !== LOCAL_HEADER) {
      throw this.bad(`${entry} has no local header`);
    }
    const localName = bytes.subarray(start + 30, start + 30 + view.getUint16(start + 26, true));
    if (localName.length !== rawName.length || localName.some((byte, i) => byte !== rawName[i])) {
      throw this.bad(`${entry} has another name in its local header`);
    }
    const data = start + 30 + nameLength + view.getUint16(start + 28, true);
    if (data + compressed > limit) throw this.bad(`${entry} reaches past the end of the data`);
    if (method === STORED && size !== compressed)
      throw this.bad(`${entry} is stored with two different lengths`);
    if (size > compressed * MAX_DEFLATE_RATIO)
      throw this.bad(`${entry} claims more bytes than deflate can hold`);
    return { name, start, data, compressed, size, method, crc: view.getUint32(at + 16, true) };
  }

  /** Size, compressed size and offset of the local header; fields that are full are continued in the zip64 extra field. */
  private sizes(at: number, entry: string): [size: number, compressed: number, start: number] {
    const { view } = this;
    const fields = [24, 20, 42].map((offset) => view.getUint32(at + offset, true));
    const missing = fields.filter((value) => value === 0xffffffff).length;
    if (missing > 0) {
      let extra = at + 46 + view.getUint16(at + 28, true);
      const end = extra + view.getUint16(at + 30, true);
      while (extra + 4 <= end && view.getUint16(extra, true) !== 1)
        extra += 4 + view.getUint16(extra + 2, true);
      if (extra + 4 + 8 * missing > end) throw this.bad(`${entry} lacks its zip64 sizes`);
      let next = extra + 4;
      for (const [i, value] of fields.entries()) {
        if (value !== 0xffffffff) continue;
        fields[i] = Number(view.getBigUint64(next, true));
        next += 8;
      }
    }
    return [fields[0]!, fields[1]!, fields[2]!];
  }

  read({ name, data, compressed, size, method, crc }: Location): Uint8Array {
    const raw = this.bytes.subarray(data, data + compressed);
    const content = method === STORED ? raw : this.inflate(raw, size, name);
    if (content.length !== size || crc32(content) !== crc) {
      throw this.bad(`entry ${JSON.stringify(name)} is damaged: its length or its CRC-32 is wrong`);
    }
    return content;
  }

  private inflate(raw: Uint8Array, size: number, name: string): Uint8Array {
    try {
      // One byte of room more than claimed shows a stream that holds too much; fflate writes no further.
      return inflateSync(raw, { out: new Uint8Array(size + 1) });
    } catch (cause) {
      throw new TensorIoError(
        'TIO_BAD_ZIP',
        `${this.where}: entry ${JSON.stringify(name)} cannot be inflated.`,
        {
          cause,
        },
      );
    }
  }
}

import { DatasetError } from '../errors.ts';

const block = 512;
const utf8 = new TextDecoder();

/**
 * The regular files of a tar archive by name, as views of it; a name that occurs again replaces the earlier file.
 *
 * Reads the ustar header (POSIX.1-1988). Extended headers, links and folders are passed over: none of them holds contents.
 *
 * @throws {DatasetError} `DS_BAD_DATA` for a header whose checksum is wrong, or an archive that ends inside a file.
 */
export function filesInTar(tar: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at + block <= tar.length; ) {
    const header = tar.subarray(at, at + block);
    if (header.every((byte) => byte === 0)) break;
    const size = octal(header, 124, 12);
    if (octal(header, 148, 8) !== checksum(header) || Number.isNaN(size)) {
      throw new DatasetError('DS_BAD_DATA', `no tar header at byte ${at}; the archive is damaged or no tar`);
    }
    const start = at + block;
    if (start + size > tar.length) {
      throw new DatasetError(
        'DS_BAD_DATA',
        `the tar ends at byte ${tar.length}, inside the file that reaches to ${start + size}`,
      );
    }
    const kind = header[156]!;
    if (kind === 0 || kind === 0x30) {
      const prefix = text(header, 257, 5) === 'ustar' ? text(header, 345, 155) : '';
      const name = text(header, 0, 100);
      files.set(prefix === '' ? name : `${prefix}/${name}`, tar.subarray(start, start + size));
    }
    at = start + Math.ceil(size / block) * block;
  }
  return files;
}

function text(header: Uint8Array, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return utf8.decode(end < 0 ? field : field.subarray(0, end));
}

/** NaN for anything but octal digits; larger files than 8 GiB, which have another notation, are no concern here. */
function octal(header: Uint8Array, from: number, length: number): number {
  const digits = /^ *([0-7]+) *$/.exec(text(header, from, length))?.[1];
  return digits === undefined ? Number.NaN : Number.parseInt(digits, 8);
}

/** The sum of the header's bytes, with spaces where the sum itself stands. */
const checksum = (header: Uint8Array) =>
  header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);

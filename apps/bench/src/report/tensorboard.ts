import type { MetricsLine } from '../runner/metrics.ts';

/**
 * A TensorBoard event file (TFRecords of `Event` messages) of what a job wrote down.
 *
 * Nothing recorded when each line was written: lines are spread evenly over the time that the job took, so that the same store gives the
 * same bytes.
 */
export function eventFile(
  lines: readonly MetricsLine[],
  run: { readonly finished: string; readonly seconds: number },
): Uint8Array {
  const end = Date.parse(run.finished) / 1000;
  const begin = end - run.seconds;
  const version = message([double(1, begin), bytes(3, Buffer.from('brain.Event:2'))]);
  const events = lines.map(({ step, ...values }, i) => {
    const scalars = Object.entries(values).filter(([, value]) => typeof value === 'number');
    const summary = scalars.map(([tag, value]) =>
      bytes(1, message([bytes(1, Buffer.from(tag)), float(2, value)])),
    );
    const time = begin + (run.seconds * (i + 1)) / lines.length;
    return message([double(1, time), integer(2, step), bytes(5, message(summary))]);
  });
  return Buffer.concat([version, ...events].map(record));
}

/** Without `tfevents` in its name, TensorBoard overlooks the file. */
export const eventFileName = (id: string, finished: string): string =>
  `events.out.tfevents.${Math.floor(Date.parse(finished) / 1000)}.${id}`;

/** A TFRecord: length, checksum of the length, data, checksum of the data. */
function record(data: Uint8Array): Uint8Array {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length), 0);
  head.writeUInt32LE(masked(crc32c(head.subarray(0, 8))), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(masked(crc32c(data)), 0);
  return Buffer.concat([head, data, tail]);
}

/** Checksums of data that may hold checksums are stored rotated, plus a constant. */
const masked = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** The Castagnoli checksum of RFC 3720, appendix B.4. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const message = (fields: readonly Uint8Array[]): Uint8Array => Buffer.concat(fields);

function varint(value: bigint): Uint8Array {
  const digits: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 0x7fn) {
    digits.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...digits, Number(rest)]);
}

const key = (field: number, type: number): Uint8Array => varint(BigInt((field << 3) | type));

const integer = (field: number, value: number): Uint8Array =>
  Buffer.concat([key(field, 0), varint(BigInt(Math.round(value)))]);

function double(field: number, value: number): Uint8Array {
  const data = Buffer.alloc(8);
  data.writeDoubleLE(value);
  return Buffer.concat([key(field, 1), data]);
}

const bytes = (field: number, data: Uint8Array): Uint8Array =>
  Buffer.concat([key(field, 2), varint(BigInt(data.length)), data]);

function float(field: number, value: number): Uint8Array {
  const data = Buffer.alloc(4);
  data.writeFloatLE(value);
  return Buffer.concat([key(field, 5), data]);
}

import { DatasetError } from './errors.ts';

const side = 32;
const pixels = side * side;

/**
 * CIFAR records, as `cifar10FromBytes` (1 label byte) and `cifar100FromBytes` (2) read them, from a decompressed pack.
 *
 * A pack holds all labels, then for each image the residuals of three planes, G, R-G and B-G, each against the median edge
 * detector of LOCO-I (Weinberger, Seroussi, Sapiro 2000): W and N are the left and upper neighbour, C the one between them,
 * all 0 outside the image; the prediction is min(W, N) if C >= max(W, N), max(W, N) if C <= min(W, N), else W + N - C.
 *
 * @throws {DatasetError} `DS_BAD_DATA` when the length is no whole number of records.
 */
export function packFromBytes(pack: Uint8Array, labelBytes: 1 | 2): Uint8Array {
  const recordBytes = labelBytes + 3 * pixels;
  if (pack.length === 0 || pack.length % recordBytes !== 0) {
    throw new DatasetError(
      'DS_BAD_DATA',
      `a pack of ${pack.length} bytes is no whole number of ${recordBytes}-byte records; it is cut off or has other labels.`,
    );
  }
  const count = pack.length / recordBytes;
  const records = new Uint8Array(pack.length);
  // One plane with a row and a column of zeros before it.
  const plane = new Int16Array((side + 1) * (side + 1));
  for (let i = 0; i < count; i++) {
    const record = i * recordBytes;
    const residuals = count * labelBytes + i * 3 * pixels;
    records.set(pack.subarray(i * labelBytes, (i + 1) * labelBytes), record);
    const red = record + labelBytes;
    const [green, blue] = [red + pixels, red + 2 * pixels];
    decodePlane(pack, residuals, plane, records, green, undefined);
    decodePlane(pack, residuals + pixels, plane, records, red, green);
    decodePlane(pack, residuals + 2 * pixels, plane, records, blue, green);
  }
  return records;
}

/** Decodes one plane to `out[to..]`; with `green`, the plane is the difference to the one already at `out[green..]`. */
function decodePlane(
  residuals: Uint8Array,
  from: number,
  plane: Int16Array,
  out: Uint8Array,
  to: number,
  green: number | undefined,
): void {
  const stride = side + 1;
  for (let p = 0; p < pixels; p++) {
    const at = ((p >> 5) + 1) * stride + (p & 31) + 1;
    const west = plane[at - 1]!;
    const north = plane[at - stride]!;
    const corner = plane[at - stride - 1]!;
    const high = Math.max(west, north);
    const low = Math.min(west, north);
    const predicted = corner >= high ? low : corner <= low ? high : west + north - corner;
    const base = green === undefined ? 0 : out[green + p]!;
    const value = (residuals[from + p]! + predicted + base) & 255;
    out[to + p] = value;
    plane[at] = value - base;
  }
}

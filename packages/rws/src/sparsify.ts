/** Magnitudes of float32 values as integers in the same order: their bits without the sign. */
function magnitudes(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
const withoutSign = 0x7fffffff;

/**
 * Bits of the `rank`-th smallest magnitude (from 1) over all parts, which hold finite values; counted by the upper and then by the lower half
 * of the bits, so that millions of values take two passes.
 */
function rankedMagnitude(parts: readonly Float32Array[], rank: number): number {
  const upper = new Uint32Array(1 << 15);
  for (const part of parts) {
    const bits = magnitudes(part);
    for (let i = 0; i < bits.length; i++) upper[(bits[i]! & withoutSign) >>> 16]!++;
  }
  let below = 0;
  let high = 0;
  while (below + upper[high]! < rank) below += upper[high++]!;
  const lower = new Uint32Array(1 << 16);
  for (const part of parts) {
    const bits = magnitudes(part);
    for (let i = 0; i < bits.length; i++) {
      const magnitude = bits[i]! & withoutSign;
      if (magnitude >>> 16 === high) lower[magnitude & 0xffff]!++;
    }
  }
  let low = 0;
  while (below + lower[low]! < rank) below += lower[low++]!;
  return high * 65536 + low;
}

/** The floor(density·n) values of largest magnitude, the first among equals; 0 elsewhere. */
export function keepLargest(values: Float32Array, density: number): Float32Array {
  const count = Math.floor(density * values.length);
  if (count === values.length) return values;
  const kept = new Float32Array(values.length);
  if (count === 0) return kept;
  const threshold = rankedMagnitude([values], values.length - count + 1);
  const bits = magnitudes(values);
  let larger = 0;
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & withoutSign) > threshold) larger++;
  let equal = count - larger;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i]! & withoutSign;
    if (magnitude > threshold || (magnitude === threshold && equal-- > 0)) kept[i] = values[i]!;
  }
  return kept;
}

/**
 * Of one vector in several parts with n values: what is at least as large as its (n − floor(density·n))-th smallest magnitude; 0
 * elsewhere. That is one value more than floor(density·n), and all that equal it, as in the code of TIES-Merging.
 */
export function trimTogether(parts: readonly Float32Array[], density: number): Float32Array[] {
  const total = parts.reduce((sum, { length }) => sum + length, 0);
  const rank = total - Math.floor(density * total);
  if (rank === 0) return [...parts];
  const threshold = rankedMagnitude(parts, rank);
  return parts.map((part) => {
    const kept = new Float32Array(part.length);
    const bits = magnitudes(part);
    for (let i = 0; i < bits.length; i++) {
      if ((bits[i]! & withoutSign) >= threshold) kept[i] = part[i]!;
    }
    return kept;
  });
}

/** Each value with probability `density`, else 0, by the draws of `stream`; nothing is rescaled. */
export function thin(values: Float32Array, density: number, stream: number): Float32Array {
  const kept = new Float32Array(values.length);
  const limit = density * 2 ** 32;
  for (let i = 0; i < kept.length; i++) if (draw(stream, i) < limit) kept[i] = values[i]!;
  return kept;
}

/** Names a stream of draws: FNV-1a of the text's UTF-8 bytes, in 32 bits, mixed. */
export function streamOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return mixed(hash);
}

/** The i-th draw of a stream, 0 to 2^32 − 1: SplitMix (Steele, Lea, Flood 2014) in 32 bits, any position at once. */
function draw(stream: number, i: number): number {
  return mixed((stream + Math.imul(i + 1, 0x9e3779b9)) | 0);
}

/** The finalizer of MurmurHash3, a bijection of 32-bit integers. */
function mixed(x: number): number {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

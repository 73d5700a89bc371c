import type { Pixels } from '../resize.ts';

// Operations that map each level to another: Pillow's ImageOps.

/** Replaces every level v by `table(v)`. */
export function mapLevels({ data }: Pixels, table: (level: number) => number): Uint8Array {
  const levels = Uint8Array.from({ length: 256 }, (_, level) => table(level));
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = levels[data[i]!]!;
  return out;
}

/** Stretches every channel to 0..255: `ImageOps.autocontrast`. */
export function autoContrast(image: Pixels): Uint8Array {
  return mapChannels(image, (counts) => {
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return (level) => level;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return (level) => clipped(Math.trunc(level * scale + offset));
  });
}

/** Gives every channel a flat histogram: `ImageOps.equalize`. */
export function equalize(image: Pixels): Uint8Array {
  return mapChannels(image, (counts) => {
    const last = counts.findLast((count) => count > 0) ?? 0;
    const step = Math.floor((image.height * image.width - last) / 255);
    if (step === 0) return (level) => level;
    const levels: number[] = [];
    let below = Math.floor(step / 2);
    for (const count of counts) {
      levels.push(clipped(Math.floor(below / step)));
      below += count;
    }
    return (level) => levels[level]!;
  });
}

/** Replaces the levels of every channel as its own histogram says. */
function mapChannels(
  { data, channels }: Pixels,
  tableOf: (counts: Uint32Array) => (level: number) => number,
): Uint8Array {
  const out = new Uint8Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    const counts = new Uint32Array(256);
    for (let i = channel; i < data.length; i += channels) counts[data[i]!] = counts[data[i]!]! + 1;
    const levels = Uint8Array.from({ length: 256 }, (_, level) => level).map(tableOf(counts));
    for (let i = channel; i < data.length; i += channels) out[i] = levels[data[i]!]!;
  }
  return out;
}

const clipped = (level: number): number => Math.min(255, Math.max(0, level));

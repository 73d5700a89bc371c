import { QuantStatsError } from './error.ts';

/** The widths of the paper: 2, 3 and 4 bits inside, 8 at the ends of a model. */
export type Bits = 2 | 3 | 4 | 8;

/** Bits of a layer's weight and of its input. */
export interface LayerBits {
  readonly weight: Bits;
  readonly activation: Bits;
}

const WIDTHS: readonly number[] = [2, 3, 4, 8];

/** @throws {QuantStatsError} `QS_BITS_INVALID` for anything but 2, 3, 4 and 8. */
export function requireBits(what: string, bits: number): asserts bits is Bits {
  if (WIDTHS.includes(bits)) return;
  throw new QuantStatsError('QS_BITS_INVALID', `${what}: bits must be 2, 3, 4 or 8, got ${bits}.`);
}

/** Reads `w2a2`, `w4a8` and the like; undefined for text that says no bits. */
export function parseLayerBits(text: string): LayerBits | undefined {
  const [, weight, activation] = /^w([2348])a([2348])$/.exec(text) ?? [];
  if (weight === undefined || activation === undefined) return undefined;
  return { weight: Number(weight) as Bits, activation: Number(activation) as Bits };
}

/** Writes what `parseLayerBits` reads. */
export const formatLayerBits = ({ weight, activation }: LayerBits): string => `w${weight}a${activation}`;

import type { RandomStream } from '@proj/random';
import { DatasetError } from './errors.ts';
import { checkProbability } from './options.ts';

/**
 * Mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019) as timm does them with `mode='batch'`: one draw a batch, image i with image
 * b - 1 - i.
 */
export interface Mixing {
  /** Mixup's share is drawn from Beta(mixup, mixup); 0 for none. */
  readonly mixup: number;
  /** CutMix's share is drawn from Beta(cutmix, cutmix); 0 for none. */
  readonly cutmix: number;
  /** With which a batch is mixed at all; 1 unless given. */
  readonly probability?: number;
  /** With which it is CutMix where both are on; 0.5 unless given. */
  readonly switchProbability?: number;
  /** Of the soft targets, mixed or not; 0 unless given. */
  readonly labelSmoothing?: number;
}

/** How one batch is mixed. Image i keeps `share` of itself. */
export type Mix =
  | { readonly kind: 'none'; readonly share: 1 }
  | { readonly kind: 'mixup'; readonly share: number }
  | {
      readonly kind: 'cutmix';
      /** The share that lies outside the box, once that is cut off at the image's edge. */
      readonly share: number;
      readonly top: number;
      readonly left: number;
      readonly bottom: number;
      readonly right: number;
    };

interface Shape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** @throws {DatasetError} `DS_BAD_OPTION` for parameters that are none of a Beta distribution, probabilities outside 0 to 1. */
export function checkMixing({
  mixup,
  cutmix,
  probability = 1,
  switchProbability = 0.5,
  labelSmoothing = 0,
}: Mixing): void {
  for (const [name, alpha] of Object.entries({ mixup, cutmix })) {
    if (!(alpha >= 0 && alpha < Number.POSITIVE_INFINITY)) {
      throw new DatasetError('DS_BAD_OPTION', `mixing.${name} must be at least 0, got ${alpha}.`);
    }
  }
  if (mixup === 0 && cutmix === 0) {
    throw new DatasetError(
      'DS_BAD_OPTION',
      'mixing needs mixup or cutmix above 0; leave mixing out for none.',
    );
  }
  checkProbability(probability, 'mixing.probability');
  checkProbability(switchProbability, 'mixing.switchProbability');
  checkProbability(labelSmoothing, 'mixing.labelSmoothing');
}

/** What happens to one batch. */
export function drawMix(
  { height, width }: Pick<Shape, 'height' | 'width'>,
  { mixup, cutmix, probability = 1, switchProbability = 0.5 }: Mixing,
  stream: RandomStream,
): Mix {
  if (stream.uniform() >= probability) return { kind: 'none', share: 1 };
  const cut = stream.uniform() < (mixup === 0 ? 1 : cutmix === 0 ? 0 : switchProbability);
  if (!cut) return { kind: 'mixup', share: stream.beta(mixup, mixup) };
  const side = Math.sqrt(1 - stream.beta(cutmix, cutmix));
  const [halfHeight, halfWidth] = [Math.trunc(height * side) >> 1, Math.trunc(width * side) >> 1];
  const y = stream.integer(height);
  const x = stream.integer(width);
  const [top, bottom] = [Math.max(0, y - halfHeight), Math.min(height, y + halfHeight)];
  const [left, right] = [Math.max(0, x - halfWidth), Math.min(width, x + halfWidth)];
  const share = 1 - ((bottom - top) * (right - left)) / (height * width);
  return { kind: 'cutmix', share, top, left, bottom, right };
}

/** Mixes uint8 [b, height, width, channels], in place; the middle image of an odd number stays as it is. */
export function mixImages(images: Uint8Array, shape: Shape, mix: Mix): void {
  const imageBytes = shape.height * shape.width * shape.channels;
  const count = images.length / imageBytes;
  for (let i = 0, j = count - 1; i < j; i++, j--) {
    const one = images.subarray(i * imageBytes, (i + 1) * imageBytes);
    const other = images.subarray(j * imageBytes, (j + 1) * imageBytes);
    if (mix.kind === 'mixup') blend(one, other, mix.share);
    else if (mix.kind === 'cutmix') exchange(one, other, shape, mix);
  }
}

/** Both become share · itself + (1 - share) · the other: float32, rounded half to even, as numpy rounds it. */
function blend(one: Uint8Array, other: Uint8Array, share: number): void {
  const own = Float32Array.from({ length: 256 }, (_, level) => Math.fround(share) * level);
  const foreign = Float32Array.from({ length: 256 }, (_, level) => Math.fround(1 - share) * level);
  // Stores into clamped arrays round so.
  const [outOne, outOther] = [clamped(one), clamped(other)];
  for (let i = 0; i < one.length; i++) {
    const a = one[i]!;
    const b = other[i]!;
    outOne[i] = Math.fround(own[a]! + foreign[b]!);
    outOther[i] = Math.fround(own[b]! + foreign[a]!);
  }
}

const clamped = ({ buffer, byteOffset, length }: Uint8Array): Uint8ClampedArray =>
  new Uint8ClampedArray(buffer, byteOffset, length);

function exchange(
  one: Uint8Array,
  other: Uint8Array,
  { width, channels }: Shape,
  { top, left, bottom, right }: Extract<Mix, { kind: 'cutmix' }>,
): void {
  for (let y = top; y < bottom; y++) {
    const [from, to] = [(y * width + left) * channels, (y * width + right) * channels];
    const row = one.slice(from, to);
    one.set(other.subarray(from, to), from);
    other.set(row, from);
  }
}

/** float32 [b, classes]: smoothed one-hot rows, share · its own + (1 - share) · its partner's. */
export function mixedTargets(
  labels: Int32Array,
  classes: number,
  { share }: Mix,
  labelSmoothing = 0,
): Float32Array {
  const count = labels.length;
  const off = labelSmoothing / classes;
  const targets = new Float32Array(count * classes).fill(off);
  for (let i = 0; i < count; i++) {
    const [own, partner] = [labels[i]!, labels[count - 1 - i]!];
    const row = i * classes;
    if (own === partner) targets[row + own] = off + 1 - labelSmoothing;
    else {
      targets[row + own] = off + share * (1 - labelSmoothing);
      targets[row + partner] = off + (1 - share) * (1 - labelSmoothing);
    }
  }
  return targets;
}

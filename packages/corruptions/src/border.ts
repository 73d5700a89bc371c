/** Continues 0..length-1 beyond its ends by mirroring about the end pixels, which are not repeated: `cb|abcd|cb`. */
export function reflect101(index: number, length: number): number {
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const offset = Math.abs(index) % period;
  return offset < length ? offset : period - offset;
}

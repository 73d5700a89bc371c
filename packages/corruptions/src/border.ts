/** Which of 0..length-1 stands at an index beyond the ends. */
export type Border = (index: number, length: number) => number;

/** The end pixels go on: `aa|abcd|dd`. */
export const nearest: Border = (index, length) => Math.min(Math.max(index, 0), length - 1);

/** Mirrored about the edges: `ba|abcd|dc`. */
export const reflect: Border = (index, length) => {
  if (index >= 0 && index < length) return index;
  const offset = modulo(index, 2 * length);
  return offset < length ? offset : 2 * length - 1 - offset;
};

/** Mirrored about the end pixels, which are not repeated: `cb|abcd|cb`. */
export const reflect101: Border = (index, length) => {
  if (index >= 0 && index < length) return index;
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const offset = modulo(index, period);
  return offset < length ? offset : period - offset;
};

const modulo = (value: number, period: number): number => ((value % period) + period) % period;

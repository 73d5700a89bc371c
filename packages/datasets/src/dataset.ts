import type { Pixels } from './resize.ts';

/** Labelled images of one size as bytes. Images are uint8, height x width x channels, channels interleaved (RGB or grey). */
export interface ImageDataset {
  readonly name: string;
  readonly length: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly classNames: readonly string[];
  /** Class index of every image. */
  readonly labels: Int32Array;
  /** The images with these indices, one after another. */
  images(indices: ArrayLike<number>): Uint8Array | Promise<Uint8Array>;
  /**
   * The image before the data set cut it to its size, so that random crops see all of it. Only where there is more to see; a
   * view that changes what `images` gives must leave it out.
   */
  original?(index: number): Promise<Pixels>;
}

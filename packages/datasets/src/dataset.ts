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
}

import type { ImageDataset } from './dataset.ts';
import { checkIndices } from './indices.ts';

/**
 * The images with these indices, in this order, as a data set of its own; an index may occur more than once.
 *
 * @throws {DatasetError} `DS_BAD_INDEX` for an index outside the data set.
 */
export function subset(dataset: ImageDataset, indices: ArrayLike<number>): ImageDataset {
  const { name, length, height, width, channels, classNames, labels } = dataset;
  checkIndices(indices, length, name);
  const chosen = Uint32Array.from(indices);
  return {
    name,
    length: chosen.length,
    height,
    width,
    channels,
    classNames,
    labels: Int32Array.from(chosen, (index) => labels[index]!),
    images(positions) {
      checkIndices(positions, chosen.length, `the subset of ${name}`);
      return dataset.images(Uint32Array.from(positions, (position) => chosen[position]!));
    },
    ...(dataset.original !== undefined && {
      async original(position) {
        checkIndices([position], chosen.length, `the subset of ${name}`);
        return dataset.original!(chosen[position]!);
      },
    }),
  };
}

import type { ImageDataset } from '@proj/datasets';

/** Data sets one after another as one; images are read when asked for. @throws {RangeError} where they do not fit together, or there is none. */
export function joined(datasets: readonly ImageDataset[]): ImageDataset {
  const [first] = datasets;
  if (first === undefined) throw new RangeError('there is no data set to join');
  const { height, width, channels, classNames } = first;
  const other = datasets.find(
    (one) =>
      one.height !== height ||
      one.width !== width ||
      one.channels !== channels ||
      one.classNames.length !== classNames.length,
  );
  if (other !== undefined)
    throw new RangeError(
      `${other.name} has ${other.height} x ${other.width} x ${other.channels} in ${other.classNames.length} classes, ${first.name} ${height} x ${width} x ${channels} in ${classNames.length}`,
    );
  if (datasets.length === 1) return first;
  const starts = datasets.map((_, i) => datasets.slice(0, i).reduce((sum, { length }) => sum + length, 0));
  const size = height * width * channels;
  return {
    ...first,
    name: datasets.map(({ name }) => name).join(' + '),
    length: datasets.reduce((sum, { length }) => sum + length, 0),
    labels: Int32Array.from(datasets.flatMap(({ labels }) => [...labels])),
    async images(indices) {
      const out = new Uint8Array(indices.length * size);
      let found = 0;
      for (const [i, dataset] of datasets.entries()) {
        const own = Array.from(indices, (index, at) => ({ at, index: index - starts[i]! })).filter(
          ({ index }) => index >= 0 && index < dataset.length,
        );
        found += own.length;
        const images = await dataset.images(own.map(({ index }) => index));
        for (const [n, { at }] of own.entries())
          out.set(images.subarray(n * size, (n + 1) * size), at * size);
      }
      if (found < indices.length)
        throw new RangeError('an image was asked for that is in none of the data sets');
      return out;
    },
  };
}

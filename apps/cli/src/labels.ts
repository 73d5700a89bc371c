import type { ImageDataset } from '@proj/datasets';

/** A model, and the names of its classes where its file has them. */
interface Classes {
  readonly config: { readonly classes: number };
  readonly classNames: readonly string[] | undefined;
}

/** Whether labels count among the model's classes: class 3 of 200 is another than class 3 of 1,000, unless names say which they are. */
export const labelsTell = (
  { config, classNames }: Classes,
  dataset: Pick<ImageDataset, 'classNames'>,
): boolean => classNames !== undefined || dataset.classNames.length >= config.classes;

import {
  type Augmentation,
  augmentedSize,
  erase,
  type Batch as ImageBatch,
  type ImageDataset,
} from '@proj/datasets';
import type { Batch } from '@proj/trainer';
import { preprocess, type SwinConfig, type VitConfig } from '@proj/vit';
import { tensor } from '@tensorflow/tfjs-core';
import { RecipeError } from './error.ts';

/**
 * Bytes to what the model takes: float32 [B, C, H, W], with what is to be erased erased, and int32 [B], or float32 [B, classes] where
 * images were mixed.
 */
export function toTensorBatch(
  { images, labels, targets, erasures }: Pick<ImageBatch, 'images' | 'labels' | 'targets' | 'erasures'>,
  config: VitConfig | SwinConfig,
): Batch {
  const { channels, imageSize, classes } = config;
  const shape = { channels, height: imageSize, width: imageSize };
  const values = preprocess(images, labels.length, config);
  if (erasures !== undefined) erase(values, shape, erasures);
  return {
    images: tensor(values, [labels.length, channels, imageSize, imageSize]),
    targets:
      targets === undefined
        ? tensor(labels, [labels.length], 'int32')
        : tensor(targets, [labels.length, classes]),
  };
}

/** The data set with the size that its images have once they are augmented. */
export const asAugmented = (dataset: ImageDataset, augmentation: Augmentation | undefined): ImageDataset => ({
  ...dataset,
  ...augmentedSize(dataset, augmentation),
});

/**
 * Refuses images and classes that are not what the model takes and knows.
 *
 * @param knownClasses names of the classes that the model knows, where its file says so.
 * @throws {RecipeError} `RECIPE_IMAGE_SIZE`, `RECIPE_CLASSES`.
 */
export function requireFit(
  dataset: ImageDataset,
  config: VitConfig | SwinConfig,
  knownClasses: readonly string[] = [],
): void {
  const { height, width, channels, name, classNames } = dataset;
  if (height !== config.imageSize || width !== config.imageSize || channels !== config.channels) {
    throw new RecipeError(
      'RECIPE_IMAGE_SIZE',
      `${name} has images of ${height} x ${width} x ${channels}, ${config.name} takes ` +
        `${config.imageSize} x ${config.imageSize} x ${config.channels}; choose another model or resize the images.`,
    );
  }
  if (classNames.length > config.classes) {
    throw new RecipeError(
      'RECIPE_CLASSES',
      `${name} has ${classNames.length} classes, ${config.name} knows ${config.classes}; train a model for this data set.`,
    );
  }
  const other = classNames.findIndex((className, i) => (knownClasses[i] ?? className) !== className);
  if (other >= 0) {
    throw new RecipeError(
      'RECIPE_CLASSES',
      `class ${other} is ${JSON.stringify(classNames[other])} in ${name} and ${JSON.stringify(knownClasses[other])} in this ` +
        `${config.name}; use the data set that the model was trained for, or train one for this data set.`,
    );
  }
}

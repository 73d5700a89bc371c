import type { Batch as ImageBatch, ImageDataset } from '@proj/datasets';
import type { Batch } from '@proj/trainer';
import { preprocess, type SwinConfig, type VitConfig } from '@proj/vit';
import { tensor } from '@tensorflow/tfjs-core';
import { RecipeError } from './error.ts';

/** Bytes to what the model takes: float32 [B, C, H, W] and int32 [B]. */
export function toTensorBatch(
  { images, labels }: Pick<ImageBatch, 'images' | 'labels'>,
  config: VitConfig | SwinConfig,
): Batch {
  const { channels, imageSize } = config;
  return {
    images: tensor(preprocess(images, labels.length, config), [
      labels.length,
      channels,
      imageSize,
      imageSize,
    ]),
    targets: tensor(labels, [labels.length], 'int32'),
  };
}

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

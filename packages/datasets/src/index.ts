// Data sets
export type { ImageDataset } from './dataset.ts';
export { type MemoryDatasetSpec, memoryDataset } from './memory.ts';
export { subset } from './subset.ts';
export { type SplitOptions, split } from './split.ts';

// Formats, from bytes
export { type Cifar100Options, cifar10FromBytes, cifar100FromBytes } from './cifar.ts';
export { type CifarCOptions, cifarCFromNpy } from './cifar-c.ts';
export { type IdxOptions, idxFromBytes, idxToBytes } from './idx.ts';
export { packFromBytes } from './pack.ts';
export { cifar10ClassNames, cifar100ClassNames, cifar100CoarseClassNames } from './class-names.ts';

// Order, augmentation, batches
export {
  type BatchPosition,
  batchIndices,
  type EpochShape,
  epochOrder,
  type RepeatedOrder,
  repeatedOrder,
  stepsPerEpoch,
} from './order.ts';
export type { Augmentation } from './augmentation.ts';
export {
  type AugmentOptions,
  augment,
  augmentedSize,
  type ImageAugmentation,
  type ImageShape,
} from './augment.ts';
export type { RandomResizedCrop } from './random-resized-crop.ts';
export type { RandAugment } from './rand-augment/rand-augment.ts';
export type { Mixing } from './mix.ts';
export { type ErasedShape, type Erasure, erase, type RandomErasing } from './erase.ts';
export { type Batch, type BatchesOptions, batches } from './batches.ts';

// Evaluation's resize and crop
export { type Pixels, type ResizeAndCrop, resizeAndCrop } from './resize.ts';
export type { Interpolation } from './resample.ts';
export { type ResizedOptions, resized } from './resized.ts';

// Errors
export { DatasetError, type DatasetErrorCode } from './errors.ts';

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
export { type BatchPosition, batchIndices, type EpochShape, epochOrder, stepsPerEpoch } from './order.ts';
export { type Augmentation, type AugmentOptions, augment } from './augment.ts';
export { type Batch, type BatchesOptions, batches } from './batches.ts';

// Evaluation's resize and crop
export { type Pixels, resizeAndCrop } from './resize.ts';

// Errors
export { DatasetError, type DatasetErrorCode } from './errors.ts';

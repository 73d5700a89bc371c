// What there is
export { type CorruptionName, corruptionNames } from './registry.ts';
export { type ConstantsSize, constantsSize } from './corruption.ts';

// Corrupting images
export { corrupt, corruptImages, corruptToFloat } from './corrupt.ts';
export type { ImageShape, RawImage } from './image.ts';

// Where random numbers come from
export { type Draws, recordedDraws, seededDraws } from './draws.ts';

// Errors
export { CorruptionError, type CorruptionErrorCode } from './error.ts';

// Corrupting images

export { corrupt, corruptImages, corruptToFloat } from './corrupt.ts';
// What there is
export { type ConstantsSize, constantsSize } from './corruption.ts';
// Where random numbers come from
export { type Draws, recordedDraws, seededDraws } from './draws.ts';
// Errors
export { CorruptionError, type CorruptionErrorCode } from './error.ts';
export type { ImageShape, RawImage } from './image.ts';
export { type CorruptionName, corruptionNames } from './registry.ts';

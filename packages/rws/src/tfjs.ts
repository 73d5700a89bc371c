// Signatures on live weights

// Strengths from unlabelled images
export { type AdaptOptions, type AdaptStep, adaptStrengths } from './tfjs/adapt.ts';
export { type LivePatch, type LivePatchOptions, livePatch } from './tfjs/live-patch.ts';
export {
  type GraphModelLike,
  type LayersModelLike,
  layerAxes,
  type WeightPlace,
  type WeightSource,
} from './tfjs/weights.ts';

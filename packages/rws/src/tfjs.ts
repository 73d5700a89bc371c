// Signatures on live weights
export { type LivePatch, type LivePatchOptions, livePatch } from './tfjs/live-patch.ts';
export {
  type GraphModelLike,
  type LayersModelLike,
  layerAxes,
  type WeightPlace,
  type WeightSource,
} from './tfjs/weights.ts';

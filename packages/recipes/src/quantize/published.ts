import type { QuantizedDesign } from '@proj/vit/quantized';
import type { QuantizationRecipe } from './recipe.ts';

/** A published model: its architecture by name, how it is quantized and how it is trained. */
export interface PublishedRecipe {
  /** Key of `vitConfigs` or `swinConfigs`. */
  readonly model: string;
  readonly design: QuantizedDesign;
  readonly recipe: QuantizationRecipe;
}

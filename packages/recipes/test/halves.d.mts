import type { ImageDataset } from '@proj/datasets';
import type { VitConfig } from '@proj/vit';
import type { QuantizationRecipe } from '../src/quantize/recipe.ts';

export declare const config: VitConfig;
export declare const recipe: QuantizationRecipe;
export declare function halves(count: number, seed: number): ImageDataset;

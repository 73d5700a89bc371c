import type { ImageDataset } from '@proj/datasets';
import type { StateDict } from '@proj/tensor-io';
import type { Batch, Checkpoint, Config, TrainOptions } from '@proj/trainer';
import type { SwinConfig, VitConfig } from '@proj/vit';
import type { FromFloatOptions, QuantizedDesign } from '@proj/vit/quantized';
import type { QuantizationWorkers } from './gradients.ts';
import type { QuantizationRecipe } from './recipe.ts';

/** A float model. */
export interface FloatModel {
  readonly config: VitConfig | SwinConfig;
  readonly state: StateDict;
}

export interface QuantizeClassifierOptions<E = never>
  extends Pick<TrainOptions<Batch, E>, 'evaluate' | 'checkpoints' | 'resume' | 'signal'> {
  readonly config: VitConfig | SwinConfig;
  readonly design: QuantizedDesign;
  /** Float weights to start from. */
  readonly start: StateDict;
  /** Who is imitated; default: the float model itself. Takes the same images and knows the same classes. */
  readonly teacher?: FloatModel;
  readonly recipe: QuantizationRecipe;
  readonly dataset: ImageDataset;
  /** Names of the classes that the model knows in the order of its logits, to be compared with the data set's. */
  readonly classNames?: readonly string[] | undefined;
  /** How many images of the first batch set LSQ's steps; default: all of it. */
  readonly calibrationImages?: number | undefined;
  /** Whether every `attn.proj` starts anew, as in the reference code, which forgets to copy it; default `copied`. */
  readonly proj?: FromFloatOptions['proj'];
  /** Default: this thread alone. */
  readonly workers?: QuantizationWorkers | undefined;
  /** Watches the codes of all weights in every step, and tells of it after every so many. */
  readonly oscillation?: { readonly everySteps: number } | undefined;
  /**
   * The last checkpoint of the same training without `annealing`, moments included: only the annealing is done, as the published pipeline
   * does it, and ends in the same bits as a run of both.
   */
  readonly continueFrom?: Checkpoint | undefined;
  /** What else the run depends on, to be compared on resume: the kernels, say. */
  readonly provenance?: Config;
}

import type { AgainstOscillation } from '@proj/recipes';
import type { ImagesConfig } from './images.ts';
import type { Flavour } from './kernels.ts';
import type { ModelConfig } from './model.ts';

/** The blocks' bits and quantizers; patch embedding and head have 8 bits and LSQ, as in the paper. */
export type DesignConfig = {
  readonly bits: 2 | 3 | 4;
  readonly weights: 'statsq' | 'lsq' | 'lsq+';
  readonly attention: 'qkr' | 'plain';
};

/** The epochs that a training goes on for, all at the least rate. */
type AnnealingConfig = {
  readonly epochs: number;
  /** BR, in levels; null: nothing is frozen, so that others have the same epochs to be compared with. */
  readonly boundaryRange: number | null;
  /** Whether confident entries of W_qk are held, too. */
  readonly queryKey: boolean;
};

export type QuantizeConfig = {
  readonly flavour: Flavour;
  /** What it is trained on. */
  readonly images: readonly ImagesConfig[];
  /** Measured after every epoch; nothing is chosen by it. */
  readonly validation?: readonly ImagesConfig[];
  /** For the estimate: what `needs.float` is. */
  readonly model: ModelConfig;
  readonly design: DesignConfig;
  /** Of the cosine; 0: the steps are set, and nothing is trained (post-training quantization, rounding to the nearest level). */
  readonly epochs: number;
  readonly cooldownEpochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly warmupEpochs: number;
  readonly weightDecay: number;
  /** Hard labels: the data's, or what the float model says. */
  readonly labels: 'data' | 'teacher';
  readonly cropPadding: number;
  readonly flip: boolean;
  /** A baseline against oscillation, for LSQ's weights. */
  readonly against?: AgainstOscillation;
  /** Goes on from the training `needs.training`, which is the same but for this, with its moments. */
  readonly annealing?: AnnealingConfig;
  /** Whether others can go on from it: it leaves `CHECKPOINT_FILE`, three times the size of the float model. */
  readonly keepCheckpoint: boolean;
  /** How many images of the first batch set LSQ's steps. */
  readonly calibrationImages: number;
  /** So many records of oscillation, evenly over the training; 0: none. */
  readonly oscillationRecords: number;
  /** Default: so many steps as take about ten seconds. */
  readonly checkpointSteps?: number;
};

export type QuantizeResult = {
  /** `stateSha256` of the trained parameters. */
  readonly sha256: string;
  /** Of the float model. */
  readonly float: string;
  /** Numbers that are trained. */
  readonly parameters: number;
  readonly images: number;
  /** All of the training, also where it went on from another. */
  readonly steps: number;
  /** Of the last record, over all weights of the blocks; null where there was none. */
  readonly oscillation: {
    readonly flips: number;
    readonly oscillating: number;
    readonly withinBoundary: number;
  } | null;
  readonly bytes: {
    /** Of the file that it leaves, bits packed. */
    readonly packed: number;
    /** Of the float model's parameters. */
    readonly float32: number;
  };
};

/** What a job leaves beside `OSCILLATION_FILE` and the metrics: the packed model, and what a training can go on from. */
export const PACKED_FILE = 'model.ofq.safetensors';
export const CHECKPOINT_FILE = 'checkpoint.safetensors';

import type { NamedTensors } from '@proj/ops';
import { stateSha256 } from '@proj/tensor-io';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { type Checkpoint, type Companion, type Position, requireFinite } from './checkpoint.ts';
import { type Config, requireSameConfig } from './config.ts';
import { TrainerError } from './error.ts';
import { nextTurn } from './event-loop.ts';
import type { TrainEvent } from './events.ts';
import type { Batch, GradientFunction } from './gradients.ts';
import { type LiveState, release, releaseMoments, restore, snapshot } from './live.ts';
import type { Optimizer } from './optimizer.ts';
import { takeStep } from './step.ts';

/** Keeps a run's latest checkpoint; `checkpointFile` of `@proj/trainer/node` is one. */
export interface CheckpointStore {
  /** Puts the checkpoint in place of the one before, atomically; says where it lies. */
  save(checkpoint: Checkpoint): Promise<string>;
}

/** What an evaluation sees. The tensors are the run's: read them, do not dispose or keep them. */
export interface EvaluationView {
  readonly parameters: NamedTensors;
  readonly buffers: NamedTensors;
  readonly epoch: number;
  readonly step: number;
}

export interface TrainOptions<B extends Batch, E> {
  /** Consumed: `done` or `stopped` hands their successors back, any other end disposes them. */
  readonly parameters: NamedTensors;
  /** What is not trained. Consumed like the parameters. */
  readonly buffers?: NamedTensors;
  readonly valueAndGradients: GradientFunction<B>;
  readonly optimizer: Optimizer;
  /** Need not be whole: 1.25 epochs of 100 steps are 125 steps. */
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /**
   * A pure function of its arguments, both counted from 0, `step` within the epoch: that is what makes a position
   * two integers. Its tensors are consumed.
   */
  readonly batch: (epoch: number, step: number) => B | Promise<B>;
  /** Called at the end of every epoch, and of the run where that lies within one. */
  readonly evaluate?: (view: EvaluationView) => E | Promise<E>;
  /** Stored in checkpoints and compared on resume. */
  readonly config?: Config;
  /** Saves whenever the steps done are a multiple of `everySteps`, at the end, and when stopped, even before the first step. */
  readonly checkpoints?: { readonly store: CheckpointStore; readonly everySteps: number };
  /** Goes on from here; `parameters` and `buffers` then only say what names and shapes are expected. */
  readonly resume?: Checkpoint | undefined;
  /** Saved in every checkpoint, and handed what it saved on resume. */
  readonly companion?: Companion;
  /** When aborted, the run finishes its step, saves a checkpoint and ends with `stopped`. */
  readonly signal?: AbortSignal;
}

/**
 * Trains, telling what happens as it happens. Same arguments, same kernels: same bits, whether the run was
 * interrupted or not. Leaving the loop early disposes everything.
 *
 * @throws {TrainerError} TRAINER_LOSS_NOT_FINITE (the step is not taken and the last checkpoint stays),
 * TRAINER_NOT_FINITE, TRAINER_CONFIG_MISMATCH and TRAINER_CHECKPOINT_MISMATCH on resume, TRAINER_OPTION_INVALID.
 */
export async function* train<B extends Batch, E = never>(
  options: TrainOptions<B, E>,
): AsyncGenerator<TrainEvent<E>, void, void> {
  const { optimizer, epochs, stepsPerEpoch, config = {}, checkpoints, resume, companion, signal } = options;
  const totalSteps = Math.round(epochs * stepsPerEpoch);
  let live: LiveState = {
    parameters: options.parameters,
    buffers: options.buffers ?? new Map(),
    optimizer: { step: 0, moments: new Map() },
  };
  let handedOver = false;
  try {
    requireCounts({
      'epochs times stepsPerEpoch': totalSteps,
      stepsPerEpoch,
      everySteps: checkpoints?.everySteps ?? 1,
    });
    live = { ...live, optimizer: optimizer.init(live.parameters) };
    let done = 0;
    if (resume !== undefined) {
      requireSameConfig(resume.config, config);
      requirePosition(resume.position, stepsPerEpoch, totalSteps);
      live = restore(live, resume);
      companion?.restore(resume.companion ?? new Map());
      done = resume.position.globalStep;
    }
    const position = (): Position => ({
      epoch: Math.floor(done / stepsPerEpoch),
      step: done % stepsPerEpoch,
      globalStep: done,
    });
    let saved = -1;
    const save = async (store: CheckpointStore): Promise<TrainEvent<E>> => {
      const path = await store.save({
        ...(await snapshot(live)),
        position: position(),
        config,
        ...(companion && { companion: companion.save() }),
      });
      saved = done;
      return { kind: 'checkpoint', step: done, path };
    };
    yield { kind: 'start', step: done, totalSteps, resumed: resume !== undefined };

    while (done < totalSteps && !signal?.aborted) {
      const at = position();
      const { epoch } = at;
      const taken = await takeStep(options, live, at);
      live = taken.live;
      done++;
      const { loss, learningRate, imagesPerSecond } = taken;
      yield { kind: 'step', step: done, epoch, loss, learningRate, imagesPerSecond };

      if (at.step === stepsPerEpoch - 1 || done === totalSteps) {
        if (options.evaluate !== undefined) {
          const { parameters, buffers } = live;
          const evaluated = await options.evaluate({ parameters, buffers, epoch, step: done });
          yield { kind: 'evaluation', step: done, epoch, result: evaluated };
        }
        yield { kind: 'epoch', step: done, epoch };
      }
      await nextTurn();
      // After the evaluation, so that a run killed before this point evaluates again rather than never.
      if (checkpoints !== undefined && (done === totalSteps || done % checkpoints.everySteps === 0)) {
        yield await save(checkpoints.store);
      }
    }

    if (done < totalSteps && checkpoints !== undefined && saved !== done) yield await save(checkpoints.store);
    const { parameters, buffers } = live;
    if (done < totalSteps) {
      releaseMoments(live.optimizer);
      handedOver = true;
      yield { kind: 'stopped', step: done, totalSteps, parameters, buffers };
      return;
    }
    const state = await fromTensors(parameters);
    requireFinite(state);
    const sha256 = await stateSha256(state);
    releaseMoments(live.optimizer);
    handedOver = true;
    yield { kind: 'done', step: done, sha256, parameters, buffers };
  } finally {
    if (!handedOver) release(live);
  }
}

function requireCounts(counts: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new TrainerError(
        'TRAINER_OPTION_INVALID',
        `${name} must be an integer of at least 1, got ${value}.`,
      );
    }
  }
}

function requirePosition(
  { epoch, step, globalStep }: Position,
  stepsPerEpoch: number,
  totalSteps: number,
): void {
  if (globalStep !== epoch * stepsPerEpoch + step || step >= stepsPerEpoch || globalStep > totalSteps) {
    throw new TrainerError(
      'TRAINER_CHECKPOINT_MISMATCH',
      `the checkpoint stands at step ${globalStep} (epoch ${epoch}, step ${step} in it), which does not exist in a run of ${totalSteps} steps, ${stepsPerEpoch} an epoch; resume with the epochs and batch size it was written with.`,
    );
  }
}

import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import '@tensorflow/tfjs-backend-wasm';
import { linear, statsq } from '@proj/ops';
import {
  adamw,
  type Checkpoint,
  crossEntropy,
  type Optimizer,
  parseCheckpoint,
  serializeCheckpoint,
  tapeGradients,
  train,
} from '@proj/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { confidenceGuided, type FreezeReport, frozenWeights } from '../src/index.ts';

const name = 'fc1.weight';
const spec = { bits: 2, boundaryRange: 0.1 };
const optimizer = adamw({ learningRate: 0.02, weightDecay: 0.1 });

/** A quantized linear classifier, to the given epoch; returns its weight and its last checkpoint. */
async function run(optimizer: Optimizer, epochs: number, resume?: Checkpoint) {
  let checkpoint = resume;
  const events = train({
    parameters: new Map([[name, tf.randomNormal([6, 16], 0, 0.3, 'float32', 5)]]),
    valueAndGradients: tapeGradients((parameters, _, { images, targets }) => {
      const weight = statsq(parameters.get(name)!, { bits: 2, groups: 6, inner: 16 });
      return crossEntropy(linear(images, weight), targets);
    }),
    optimizer,
    epochs,
    stepsPerEpoch: 4,
    batch: (epoch, step) => ({
      images: tf.randomNormal([12, 16], 0, 1, 'float32', 4 * epoch + step),
      targets: tf.tensor1d(
        Array.from({ length: 12 }, (_, i) => i % 6),
        'int32',
      ),
    }),
    checkpoints: {
      everySteps: 4,
      store: {
        save: async (saved) => {
          checkpoint = await parseCheckpoint(await serializeCheckpoint(saved), 'memory');
          return 'memory';
        },
      },
    },
    resume,
  });
  for await (const event of events) {
    if (event.kind === 'done') return { weight: event.parameters.get(name)!, checkpoint: checkpoint! };
  }
  throw new Error('the run did not end');
}

describe('annealing after a training', () => {
  beforeAll(async () => {
    await tf.setBackend('wasm');
  });

  it('resumes its checkpoint, with the moments and the count of steps', async () => {
    const trained = await run(optimizer, 2);
    const frozen = Array.from(frozenWeights(trained.weight, spec).dataSync());
    const before = trained.weight.dataSync();
    const reports: FreezeReport[] = [];
    const guided = confidenceGuided(optimizer, {
      ...spec,
      targets: (target) => target === name,
      onStep: (report) => reports.push(report),
    });
    const annealed = await run(guided, 3, trained.checkpoint);
    expect(annealed.checkpoint.optimizer.step).toBe(12);
    expect([...annealed.checkpoint.optimizer.moments.keys()]).toEqual(['exp_avg', 'exp_avg_sq']);
    expect(reports[0]).toMatchObject({
      size: 96,
      frozen: frozen.filter((mask) => mask === 1).length,
      thawed: 0,
    });

    // What is remembered for the reports does not matter to what is computed: once more, the same bits.
    const again = await run(guided, 3, trained.checkpoint);
    expect([...again.weight.dataSync()]).toEqual([...annealed.weight.dataSync()]);
    const after = annealed.weight.dataSync();
    const moved = after.filter((value, i) => value !== before[i]).length;
    expect(moved).toBeGreaterThan(0);
    expect(moved).toBeLessThan(48);
  });
});

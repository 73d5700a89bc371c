import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { memoryDataset } from '@proj/datasets';
import { random } from '@proj/random';
import { type QuantizationRecipe, quantizeClassifier } from '@proj/recipes';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { initVit, type VitConfig, vitConfigs } from '@proj/vit';
import { ofqPlan, type QuantizedDesign } from '@proj/vit/quantized';
import { dispose, setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LinesSection } from '../report/section.ts';
import type { OscillationLine } from '../tasks/oscillation-file.ts';
import { accuracyOverBits } from './bits.ts';
import { oscillatingLayers, scaleTrajectories } from './layers.ts';
import { boundaryOverTime, flipsOverTime, oscillatingOverTime, turnsOverTime } from './over-time.ts';
import type { Method } from './watched.ts';
import { thresholds, weightHistogram } from './weight-histogram.ts';

const config: VitConfig = {
  ...vitConfigs.vit_digits_28,
  classes: 2,
  depth: 2,
  embedDim: 16,
  heads: 2,
};
const steps = 8;
const recipe: QuantizationRecipe = {
  seed: 1,
  epochs: 5,
  cooldownEpochs: 1,
  batchSize: 8,
  learningRate: 1e-2,
  minLearningRate: 1e-3,
  warmupEpochs: 0,
  warmupLearningRate: 1e-3,
  scheduled: 'step',
  weightDecay: 0.05,
  labels: 'data',
};
const annealing = { epochs: 1, boundaryRange: 0.005, queryKey: false };

/** Noise that is brighter in one of two halves. */
function images() {
  const draws = random(1);
  const labels = Array.from({ length: 8 * steps }, (_, i) => i % 2);
  const pixels = Uint8Array.from({ length: labels.length * 784 }, (_, i) =>
    i % 28 < 14 === (labels[Math.floor(i / 784)] === 0) ? 120 + draws.integer(100) : draws.integer(100),
  );
  return memoryDataset({
    ...{ name: 'halves', height: 28, width: 28, channels: 1, classNames: ['left', 'right'] },
    images: pixels,
    labels,
  });
}

/** What a training of a few steps tells of its weights, after every fourth step. */
async function watched(
  design: Omit<QuantizedDesign, 'plan'>,
  change: Partial<QuantizationRecipe>,
): Promise<OscillationLine[]> {
  const float = initVit(config, 1);
  const start = await fromTensors(float);
  dispose([...float.values()]);
  const lines: OscillationLine[] = [];
  const events = quantizeClassifier({
    config,
    design: { plan: ofqPlan(config, 2), ...design },
    start,
    recipe: { ...recipe, ...change },
    dataset: images(),
    oscillation: { everySteps: 4 },
  });
  for await (const event of events) {
    if (event.kind === 'oscillation') lines.push({ step: event.step, ...event.record });
    if (event.kind === 'done') dispose([...event.parameters.values(), ...event.buffers.values()]);
  }
  // As they come back from the file that a job leaves.
  return JSON.parse(JSON.stringify(lines)) as OscillationLine[];
}

let lsq: Method;
let ofq: Method;
const only = (section: LinesSection) => section.series[0]!.points;
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

beforeAll(async () => {
  await setBackend('wasm');
  const run = (lines: OscillationLine[]) => [{ seed: 0, from: [{ id: 'a' }], lines }];
  lsq = { name: 'LSQ', runs: run(await watched({ weights: 'lsq', attention: 'plain' }, {})) };
  const design = { weights: 'statsq', attention: 'qkr' } as const;
  ofq = { name: 'OFQ', runs: run(await watched(design, { cooldownEpochs: 0, annealing })) };
});

describe('figures of oscillation', () => {
  it('lose no change of a code: shares times steps times weights are what was counted', () => {
    for (const method of [lsq, ofq]) {
      const last = method.runs[0]!.lines.at(-1)!;
      const weights = sum(last.layers.map((layer) => layer.weights));
      const flips = only(flipsOverTime([method])).map(({ y }, i) => (y / 100) * weights * (i === 0 ? 3 : 4));
      expect(sum(flips)).toBeCloseTo(sum(last.layers.map(({ flipsSoFar }) => flipsSoFar)), 6);
      expect(sum(flips)).toBeGreaterThan(10);
    }
  });

  it('count from nothing where a watch began anew, and never below', () => {
    const lines = ofq.runs[0]!.lines;
    const again = lines.map((line) => ({ ...line, step: line.step + 48 }));
    const both: Method = { name: 'twice', runs: [{ ...ofq.runs[0]!, lines: [...lines, ...again] }] };
    const points = only(flipsOverTime([both]));
    expect(points.slice(0, lines.length).map(({ y }) => y)).toEqual(
      points.slice(lines.length).map(({ y }) => y),
    );
  });

  it('show every record: oscillating weights, the boundary range, and turns where gradients were seen', () => {
    for (const method of [lsq, ofq]) {
      const { lines } = method.runs[0]!;
      expect(only(oscillatingOverTime([method])).map(({ y }) => y / 100)).toEqual(
        lines.map(({ shares }) => expect.closeTo(shares.oscillating, 10)),
      );
      expect(only(boundaryOverTime([method])).map(({ x }) => x)).toEqual(lines.map(({ step }) => step));
      const turns = only(turnsOverTime([method]));
      expect(turns.length).toBeGreaterThan(lines.length / 2);
      for (const { y } of turns) expect(y >= 0 && y <= 100).toBe(true);
      expect(new Set(turns.map(({ y }) => y)).size).toBeGreaterThan(2);
    }
    // QKR's product is watched, though it has no gradient of its own.
    expect(ofq.runs[0]!.lines[0]!.layers.map(({ name }) => name)).toContain('blocks.0.attn.qk');
  });

  it('put means and intervals over seeds, and a rule where a stage begins', () => {
    const two: Method = { name: 'two', runs: [ofq.runs[0]!, { ...ofq.runs[0]!, seed: 1 }] };
    const section = boundaryOverTime([two, lsq], { step: 40, name: 'the annealing' });
    expect(section.mark).toBe(40);
    expect(section.note).toMatch(/Means over seeds.*where the annealing begins/);
    expect(section.series[0]!.points[0]).toHaveProperty('low');
    expect(section.series[1]!.points[0]).not.toHaveProperty('low');
  });

  it('list layers as they are computed, and leave empty what a method does not have', () => {
    const { rows, columns } = oscillatingLayers([lsq, ofq]);
    expect(columns).toEqual(['LSQ', 'OFQ']);
    const block = (i: number) =>
      ['attn.qkv', 'attn.qk', 'attn.v', 'attn.proj', 'mlp.fc1', 'mlp.fc2'].map(
        (name) => `blocks.${i}.${name}`,
      );
    expect(rows.map(({ name }) => name)).toEqual([...block(0), ...block(1)]);
    expect(rows[0]!.values[1]).toBeNull();
    expect(rows[1]!.values[0]).toBeNull();
    expect(rows[3]!.values.every((value) => value !== null)).toBe(true);
  });

  it('end the scales of a block at 0, from which they came', () => {
    const { series } = scaleTrajectories(ofq, 'blocks.1');
    expect(series.map(({ name }) => name)).toEqual(['attn.qk', 'attn.v', 'attn.proj', 'mlp.fc1', 'mlp.fc2']);
    for (const { points } of series) {
      expect(points.at(-1)!.y).toBe(0);
      expect(points[0]!.y).not.toBe(0);
    }
  });

  it('count every weight in the histogram, with rules at the thresholds of its quantizer', () => {
    for (const [method, design] of [
      [lsq, { weights: 'lsq', bits: 2 }],
      [ofq, { weights: 'statsq', bits: 2 }],
    ] as const) {
      const { series, mark } = weightHistogram(method, design);
      const last = method.runs[0]!.lines.at(-1)!.layers;
      const outside = sum(last.map(({ histogram }) => histogram!.below + histogram!.above));
      const share = (100 * outside) / sum(last.map(({ weights }) => weights));
      expect(series.map(({ name }) => name)).toEqual(['first, step 4', 'last, step 48']);
      expect(sum(series[1]!.points.map(({ y }) => y))).toBeCloseTo(100 - share, 6);
      // Each threshold lies in the middle of a bin.
      for (const at of [mark!].flat())
        expect(Math.min(...series[0]!.points.map(({ x }) => Math.abs(x - at)))).toBeLessThan(1e-9);
    }
    expect(thresholds('lsq', 2)).toEqual([-1.5, -0.5, 0.5]);
    expect(thresholds('statsq', 3)).toEqual([-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75]);
  });

  it('set accuracy against bits with its spread, beside the float model', () => {
    const { series } = accuracyOverBits(
      [
        { name: 'LSQ', from: [], accuracies: new Map([[2, [90, 92]]]) },
        {
          name: 'OFQ',
          from: [],
          accuracies: new Map([
            [4, [96]],
            [2, [93, 95]],
          ]),
        },
      ],
      { images: 'test images', float: [97, 97.5] },
    );
    expect(series.map(({ name, points }) => [name, points.map(({ x, y }) => [x, y])])).toEqual([
      ['LSQ', [[2, 91]]],
      [
        'OFQ',
        [
          [2, 94],
          [4, 96],
        ],
      ],
      [
        'float model',
        [
          [2, 97.25],
          [4, 97.25],
        ],
      ],
    ]);
    expect(series[0]!.points[0]!.high).toBeGreaterThan(92);
    expect(series[1]!.points[1]).not.toHaveProperty('low');
  });
});

import { corruptionNames } from '@proj/corruptions';
import { type QuantizedSettings, quantizedJobs } from '../demo/quantized.ts';
import { quantizedSections } from '../demo/quantized-sections.ts';
import { defineExperiment } from '../experiment.ts';
import { type DesignSettings, designOf } from '../rws/design.ts';
import { jobsOfSeed } from '../rws/jobs.ts';
import { resultsOfSeed } from '../rws/results.ts';
import {
  accuracyTable,
  alphaCurve,
  compressionTable,
  cosineMaps,
  differenceMap,
  gallerySection,
  removalTable,
  trainingCurves,
  triedTable,
} from '../rws/sections.ts';

export type DemoSettings = DesignSettings & QuantizedSettings;

const smoke: DemoSettings = {
  seeds: [0],
  corruptions: ['fog', 'impulse_noise'],
  severity: 5,
  flavour: 'reproducible',
  model: 'vit_digits_28',
  embedDim: 64,
  depth: 4,
  heads: 4,
  patchSize: 7,
  mlpRatio: 2,
  data: ['digits'],
  trainImages: 7000,
  validationImages: 1000,
  testData: [],
  testImages: 2000,
  startEpochs: 8,
  startLearningRate: 2e-3,
  epochs: 5,
  learningRate: 1e-3,
  batchSize: 32,
  weightDecay: 0.05,
  cropPadding: 1,
  flip: false,
  projections: ['orthogonal'],
  bits: 4,
  alphas: [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2],
  factors: [0.5, 0.625, 0.75, 0.875, 1],
  tolerance: 1,
  maxUnits: 4,
  comparedUnits: 3,
  galleryImages: 12,
  quantizedEpochs: 3,
  annealingEpochs: 1,
  boundaryRange: 0.005,
  quantizedLearningRate: 8e-3,
  quantizedMinLearningRate: 2e-4,
  quantizedBatchSize: 32,
  oscillationRecords: 40,
};

const study: DemoSettings = {
  ...smoke,
  seeds: [0, 1, 2],
  corruptions: ['fog', 'impulse_noise', 'contrast', 'brightness', 'motion_blur', 'pixelate'],
  projections: ['orthogonal', 'none'],
};

export default defineExperiment<DemoSettings>({
  name: 'demo',
  title: 'Robustness as a patch, and a model of two bits',
  about:
    'A small vision transformer is trained on handwritten digits: once on clean images, once per corruption. What the corruption did to its first layers is kept as a small signature file, added to the clean model, and taken off again. Then the clean model is trained into weights and activations of two bits, in two ways. Every number is computed in the run.',
  presets: {
    smoke: { about: 'two corruptions, one seed; some three minutes on two cores', settings: smoke },
    study: { about: 'six corruptions, three seeds; half an hour on two cores', settings: study },
    full: {
      about:
        'every corruption there is, three seeds; an hour on two cores (no paper has digits: the grid of the paper is in rws-smoke)',
      settings: { ...study, corruptions: [...corruptionNames] },
    },
  },
  jobs(settings) {
    const design = designOf(settings);
    return design.seeds.flatMap((seed) => [
      ...jobsOfSeed(design, seed),
      ...quantizedJobs(design, settings, seed),
    ]);
  },
  async report(outcome) {
    const design = designOf(outcome.settings);
    const seeds = design.seeds.map((seed) => resultsOfSeed(design, outcome, seed));
    const [first] = seeds;
    return [
      accuracyTable(design, seeds),
      removalTable(seeds),
      ...design.corruptions.flatMap((corruption) => [
        ...gallerySection(first!, corruption, 84),
        alphaCurve(design, seeds, corruption),
      ]),
      differenceMap(design, seeds),
      ...cosineMaps(design, seeds),
      compressionTable(design, seeds),
      ...(await trainingCurves(first!)),
      triedTable(seeds),
      ...(await quantizedSections(design, outcome.settings, outcome, seeds)),
    ];
  },
});

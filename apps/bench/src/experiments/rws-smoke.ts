import { corruptionNames } from '@proj/corruptions';
import { defineExperiment } from '../experiment.ts';
import { type DesignSettings, designOf } from '../rws/design.ts';
import { jobsOfSeed } from '../rws/jobs.ts';
import { notCovered, publishedSection } from '../rws/published.ts';
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

const smoke: DesignSettings = {
  seeds: [0],
  corruptions: ['fog', 'brightness'],
  severity: 5,
  flavour: 'reproducible',
  model: 'vit_cifar_32',
  embedDim: 64,
  depth: 4,
  heads: 4,
  patchSize: 8,
  mlpRatio: 2,
  data: ['cifar10/data_batch_1'],
  trainImages: 9000,
  validationImages: 1000,
  testData: ['cifar10/test_batch'],
  testImages: 2000,
  startEpochs: 6,
  startLearningRate: 2e-3,
  epochs: 4,
  learningRate: 1e-3,
  batchSize: 32,
  weightDecay: 0.05,
  cropPadding: 2,
  flip: true,
  projections: ['orthogonal', 'none'],
  bits: 4,
  alphas: [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2],
  factors: [0.5, 0.625, 0.75, 0.875, 1],
  tolerance: 1,
  maxUnits: 4,
  comparedUnits: 3,
  galleryImages: 12,
};

const study: DesignSettings = {
  ...smoke,
  seeds: [0, 1, 2],
  corruptions: ['fog', 'brightness', 'snow', 'contrast', 'impulse_noise', 'gaussian_blur'],
  patchSize: 4,
  data: ['cifar10/data_batch_1', 'cifar10/data_batch_2'],
  trainImages: 18_000,
  validationImages: 2000,
  testImages: 10_000,
  startEpochs: 20,
  epochs: 10,
  batchSize: 64,
  cropPadding: 4,
};

const full: DesignSettings = {
  ...study,
  corruptions: [...corruptionNames],
  embedDim: 192,
  depth: 6,
  heads: 3,
  mlpRatio: 4,
  data: [1, 2, 3, 4, 5].map((batch) => `cifar10/data_batch_${batch}`),
  trainImages: 45_000,
  validationImages: 5000,
  startEpochs: 50,
  startLearningRate: 1e-3,
  epochs: 50,
  learningRate: 5e-4,
  batchSize: 128,
  maxUnits: 6,
  comparedUnits: 4,
};

export default defineExperiment<DesignSettings>({
  name: 'rws-smoke',
  title: 'Robust weight signatures on CIFAR-10',
  about:
    'Trains a small vision transformer clean and on corrupted images from a common start, keeps what a corruption did to the first layers as a signature, adds it to the clean model, and measures clean and corrupted accuracy.',
  presets: {
    smoke: {
      about: 'two corruptions, 9,000 training images, one seed; some three minutes on two cores',
      settings: smoke,
    },
    study: {
      about: 'six corruptions, 18,000 training images, three seeds; some four hours on two cores',
      settings: study,
    },
    full: {
      about:
        "the paper's grid as far as there are models for it: 18 corruptions, all of CIFAR-10, three seeds, a ViT of 2.7 million parameters in place of VGG-16; weeks on two cores, meant for a queue of machines",
      settings: full,
    },
  },
  jobs(settings) {
    const design = designOf(settings);
    return design.seeds.flatMap((seed) => jobsOfSeed(design, seed));
  },
  async report(outcome) {
    const design = designOf(outcome.settings);
    const seeds = design.seeds.map((seed) => resultsOfSeed(design, outcome, seed));
    const [first] = seeds;
    return [
      accuracyTable(design, seeds),
      publishedSection(design, seeds),
      { kind: 'text', title: 'What this does not cover', text: notCovered(design) },
      ...design.corruptions.flatMap((corruption) => [
        alphaCurve(design, seeds, corruption),
        ...gallerySection(first!, corruption, 96),
      ]),
      differenceMap(design, seeds),
      ...cosineMaps(design, seeds),
      compressionTable(design, seeds),
      removalTable(seeds),
      ...(await trainingCurves(first!)),
      triedTable(seeds),
    ];
  },
});

import { defineExperiment } from '../experiment.ts';
import { type CifarSettings, jobsOf } from '../ofq-study/cifar.ts';
import { cifarReport } from '../ofq-study/cifar-report.ts';

const smoke: CifarSettings = {
  seeds: [0],
  methods: ['lsq', 'qkr', 'ofq'],
  otherBits: [],
  baselines: [],
  flavour: 'reproducible',
  model: 'vit_cifar_32',
  embedDim: 64,
  depth: 4,
  heads: 2,
  patchSize: 8,
  mlpRatio: 2,
  data: ['cifar10/data_batch_1'],
  trainImages: 8000,
  testData: ['cifar10/test_batch'],
  testImages: 2000,
  floatEpochs: 8,
  floatLearningRate: 2e-3,
  epochs: 3,
  annealingEpochs: 1,
  boundaryRange: 0.005,
  batchSize: 64,
  learningRate: 1e-3,
  minLearningRate: 1e-5,
  warmupEpochs: 0.5,
  weightDecay: 0.05,
  cropPadding: 4,
  flip: true,
  calibrationImages: 64,
  oscillationRecords: 20,
  checkpointSteps: 0,
};

const study: CifarSettings = {
  ...smoke,
  seeds: [0, 1, 2],
  methods: ['lsq', 'statsq', 'qkr', 'ofq', 'ofq-qk'],
  otherBits: [3, 4],
  baselines: ['lsq+', 'dampening', 'freezing'],
  // Its bits are those of the wide kernels, which Node 24 adds where the machine has them.
  flavour: 'relaxed',
  patchSize: 4,
  data: [1, 2, 3, 4, 5].map((batch) => `cifar10/data_batch_${batch}`),
  trainImages: 50_000,
  testImages: 10_000,
  floatEpochs: 15,
  floatLearningRate: 1e-3,
  epochs: 5,
  oscillationRecords: 40,
};

const full: CifarSettings = {
  ...study,
  embedDim: 192,
  depth: 6,
  heads: 3,
  mlpRatio: 4,
  floatEpochs: 200,
  epochs: 300,
  annealingEpochs: 30,
  batchSize: 128,
  learningRate: 5e-4,
  warmupEpochs: 5,
};

export default defineExperiment<CifarSettings>({
  name: 'ofq-cifar10',
  title: 'Oscillation-free quantization on CIFAR-10',
  about:
    'Trains a small vision transformer, quantizes its weights and activations to a few bits by distillation from itself, with OFQ’s parts one after another and with the methods it is compared with, all with the same images and steps, and measures accuracy and how many weights oscillate.',
  presets: {
    smoke: {
      about: 'three methods at W2A2, 8,000 training images, one seed; a few minutes on two cores',
      settings: smoke,
    },
    study: {
      about:
        'five methods, three seeds at W2A2, one at W3A3 and W4A4, three more baselines; all of CIFAR-10; some three hours on two cores with Node 24',
      settings: study,
    },
    full: {
      about:
        "the paper's schedule (300 epochs and 30 of annealing) with a model of 2.7 million parameters; weeks on two cores, meant for a queue of machines",
      settings: full,
    },
  },
  jobs: jobsOf,
  report: (outcome) => cifarReport(outcome),
});

import { defineExperiment } from '../experiment.ts';
import { type DeitSettings, jobsOf } from '../ofq-study/deit.ts';
import { deitReport } from '../ofq-study/deit-report.ts';

const study: DeitSettings = {
  bits: [2, 3, 4],
  methods: ['lsq', 'ofq'],
  seed: 0,
  // Its bits are those of the wide kernels, which Node 24 adds where the machine has them.
  flavour: 'relaxed',
  model: 'deit_tiny_patch16_224',
  sampleImages: 800,
  heldBackImages: 200,
  tinyImages: 5000,
  tinyTestImages: 2000,
  epochs: 1.5,
  annealingEpochs: 0.25,
  boundaryRange: 0.005,
  batchSize: 8,
  learningRate: 5e-4,
  minLearningRate: 1e-5,
  warmupEpochs: 0.1,
  weightDecay: 0.05,
  calibrationImages: 32,
  oscillationRecords: 10,
  timedSteps: 15,
  // A checkpoint has 70 MB.
  checkpointSteps: 50,
};

const smoke: DeitSettings = {
  ...study,
  bits: [4],
  sampleImages: 32,
  heldBackImages: 40,
  tinyImages: 32,
  tinyTestImages: 200,
  batchSize: 4,
  calibrationImages: 8,
  timedSteps: 5,
};

export default defineExperiment<DeitSettings>({
  name: 'ofq-deit-tiny',
  title: 'The real DeiT-Tiny in 4, 3 and 2 bits',
  about:
    'Quantizes the published DeiT-Tiny by distillation from itself on a few thousand images, without their labels: by OFQ, by LSQ with the same images and steps, and by rounding alone; measures accuracy, agreement with the float model and divergence from it.',
  presets: {
    smoke: { about: '64 training images, W4A4; a few minutes on two cores', settings: smoke },
    study: {
      about:
        '5,800 training images, each once or twice, at W2A2, W3A3 and W4A4; some two hours on two cores with Node 24',
      settings: study,
    },
    full: {
      about:
        'the same images a hundred times, with every method; days on two cores (the paper’s own grid needs ImageNet: proj quantize --recipe)',
      settings: {
        ...study,
        methods: ['lsq', 'lsq+', 'statsq', 'qkr', 'ofq', 'ofq-qk'],
        epochs: 90,
        annealingEpochs: 10,
        batchSize: 64,
        warmupEpochs: 5,
      },
    },
  },
  jobs: jobsOf,
  report: deitReport,
});

import { corruptionNames } from '@proj/corruptions';
import { defineExperiment } from '../experiment.ts';
import { jobsOf } from '../rws-study/jobs.ts';
import { studyReport } from '../rws-study/report.ts';
import { type StudySettings, studyOf } from '../rws-study/settings.ts';

const study: StudySettings = {
  architectures: ['vgg', 'resnet', 'vit'],
  seeds: [0, 1, 2],
  corruptions: [
    ...['gaussian_noise', 'gaussian_blur', 'contrast', 'fog'],
    ...['impulse_noise', 'brightness', 'pixelate', 'jpeg_compression'],
  ],
  otherSeeds: [0],
  fewCorruptions: ['gaussian_noise', 'gaussian_blur', 'contrast'],
  severity: 5,
  flavour: 'relaxed',
  // Small enough that models are recorded with the results.
  vggStages: ['16', '32-32', '64-64'],
  published: true,
  resnetWidth: 16,
  resnetDepths: [3, 3, 3],
  vitModel: 'vit_cifar_32',
  vitPatch: 4,
  vitDim: 64,
  vitDepth: 4,
  vitHeads: 4,
  imageSize: 32,
  channels: 3,
  data: ['cifar10/data_batch_1'],
  trainImages: 9000,
  validationImages: 1000,
  testData: ['cifar10/test_batch'],
  testImages: 5000,
  sweepImages: 1500,
  statisticsImages: 1000,
  startEpochs: 30,
  epochs: 6,
  publishedEpochs: 4,
  batchSize: 64,
  cropPadding: 4,
  flip: true,
  // Without 0, so that tables show what a patch does also where none would be better.
  alphas: [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2],
  sweepAlphas: [-0.5, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2],
  maxUnits: 6,
  tolerance: 0.5,
  comparedUnits: 3,
  counts: [2, 3, 5],
  rules: ['sum', 'mean', 'TIES', 'DARE'],
  factors: [0.25, 0.5, 0.75, 1],
  factorImages: 500,
  transferData: ['cifar100/train_0'],
  transferTestData: ['cifar100/test'],
  transferEpochs: 10,
  transferSeeds: [0, 1, 2],
  adaptationSeeds: [0],
  adaptationCorruptions: ['gaussian_noise', 'gaussian_blur'],
  checkpointSteps: 0,
};

const smoke: StudySettings = {
  ...study,
  architectures: ['vgg'],
  seeds: [0],
  corruptions: ['gaussian_noise', 'gaussian_blur'],
  fewCorruptions: ['gaussian_noise', 'gaussian_blur'],
  flavour: 'reproducible',
  vggStages: ['16', '32', '64'],
  trainImages: 4000,
  validationImages: 500,
  testImages: 2000,
  sweepImages: 500,
  startEpochs: 8,
  epochs: 3,
  transferEpochs: 3,
  alphas: [0.5, 1, 1.5],
  sweepAlphas: [0, 0.5, 1, 1.5],
  rules: ['sum', 'TIES'],
  factors: [0.5, 1],
  adaptationSeeds: [],
  adaptationCorruptions: ['gaussian_noise'],
};

const full: StudySettings = {
  ...study,
  corruptions: [...corruptionNames],
  otherSeeds: [0, 1, 2],
  fewCorruptions: [...corruptionNames],
  vggStages: ['64-64', '128-128', '256-256-256', '512-512-512', '512-512-512'],
  data: [1, 2, 3, 4, 5].map((batch) => `cifar10/data_batch_${batch}`),
  trainImages: 45_000,
  validationImages: 1000,
  testImages: 9000,
  sweepImages: 9000,
  startEpochs: 50,
  epochs: 50,
  publishedEpochs: 50,
  transferEpochs: 50,
  batchSize: 128,
  maxUnits: 13,
  comparedUnits: 7,
  factorImages: 1000,
  counts: [2, 3, 5, 10],
  transferData: [0, 1, 2, 3, 4].map((part) => `cifar100/train_${part}`),
  adaptationSeeds: [0, 1, 2],
  adaptationCorruptions: [...corruptionNames],
};

export default defineExperiment<StudySettings>({
  name: 'rws-cifar10',
  title: 'Robust weight signatures on CIFAR-10',
  about:
    'Trains a small VGG, ResNet-20 and a small vision transformer on clean and on corrupted images from common starts, keeps what a corruption did to the first layers as signatures, and measures what they give: alone, stored in fewer bits, several at once, and on models of other images.',
  presets: {
    smoke: {
      about:
        'a VGG, two corruptions, 4,000 training images, one seed, and transfer to CIFAR-100; two to three minutes on two cores',
      settings: smoke,
    },
    study: {
      about:
        'a VGG with eight corruptions and three seeds, ResNet-20 and a ViT with three corruptions and one seed; some four hours on two cores with Node 24',
      settings: study,
    },
    full: {
      about:
        "the paper's grid as far as there is one: VGG-16 and its 50 epochs, all corruptions, all of CIFAR-10 and CIFAR-100, three seeds; starts are trained on CIFAR-10 instead of ImageNet; weeks on many machines",
      settings: full,
    },
  },
  jobs: (settings) => jobsOf(studyOf(settings)),
  report: (outcome) => studyReport(studyOf(outcome.settings), outcome),
});

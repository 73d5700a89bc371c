import type { Outcome } from '../experiment.ts';
import type { Section } from '../report/section.ts';
import { choicesTable, corruptionTable, summaryTable, systemTable, verdictTable } from './accuracy.ts';
import { type Architecture, architectureOf } from './architectures.ts';
import { StudyResults } from './results.ts';
import type { Study } from './settings.ts';
import { geometryFigures, storageTable, sweepFigures } from './sweeps.ts';
import { carriedSections, compositionTable, conflictTable, removalTable } from './together.ts';

export function studyReport(study: Study, outcome: Pick<Outcome, 'of'>): Section[] {
  const results = new StudyResults(outcome);
  const architectures = study.architectures.map((name) => architectureOf(study, name));
  return [
    summaryTable(study, architectures, results),
    verdictTable(study, architectures, results),
    { kind: 'text', title: 'What this is, and what it is not', text: limits(study, architectures) },
    ...architectures.map((architecture) => corruptionTable(architecture, results)),
    ...architectures.flatMap((architecture) => sweepFigures(study, architecture, results)),
    storageTable(study, architectures, results),
    systemTable(architectures, results),
    compositionTable(study, architectures, results),
    conflictTable(architectures, results),
    ...carriedSections(study, results),
    ...architectures.flatMap((architecture) => geometryFigures(architecture, results)),
    removalTable(results),
    choicesTable(architectures, results),
  ];
}

function limits(study: Study, architectures: readonly Architecture[]): string[] {
  const about = architectures.map(
    (one) =>
      `${one.about}: ${one.corruptions.length} ${one.corruptions.length === 1 ? 'corruption' : 'corruptions'}, ${one.seeds.length} ${one.seeds.length === 1 ? 'seed, so no interval' : 'seeds'}, ${one.epochs} ${one.epochs === 1 ? 'pass' : 'passes'} for each model after the start`,
  );
  return [
    `${about.join('. ')}. All models of a seed go on from one start with ${study.trainImages.toLocaleString('en-US')} training images; a robust model sees corrupted images only. The paper has VGG-16 and ResNet-50 from ImageNet weights, 45,000 images and 50 epochs; its tables are not quoted, since they could not be verified.`,
    'Units and strengths are chosen by the mean of TA and RA on validation images, for each corruption by itself and knowing which it is. Test images choose nothing; sweeps are shown on test images and choose nothing either.',
    ...(architectures.some(({ published }) => published)
      ? [
          'The published ResNet-20 was trained on all of CIFAR-10’s training images, those used here among them, so its validation images are some of the test set that nothing is reported on, and its standard model gains nothing by the fine-tuning. Batch normalisation: by default its tensors are part of the signature of the first units; “BN kept” leaves all of them alone; “BN replaced and recalibrated” takes all of the robust model’s and estimates the statistics anew on corrupted training images, as the paper’s script does; “BN statistics alone” is the standard model with statistics of corrupted training images, the share of a gain that needs no signature. Statistics of corrupted images are wrong for clean ones, hence the TA of the last two.',
        ]
      : []),
    'A sweep or a composition has the signatures of the main table. Data augmentation is one model trained on all corruptions of its architecture, each image under one of them; it takes a whole model, and training with all corruptions at hand.',
  ];
}

import { corruptionNames } from '@proj/corruptions';
import type { PublishedSection } from '../report/section.ts';
import type { Design } from './design.ts';
import type { SeedResults } from './results.ts';
import { over } from './sections.ts';

/** What the paper says in numbers, as far as they could be verified, beside ours. */
export function publishedSection(design: Design, seeds: readonly SeedResults[]): PublishedSection {
  const [projection] = design.projections;
  const signatures = (seed: SeedResults) =>
    design.corruptions.flatMap((corruption) => {
      const tuned = seed.corruptions.get(corruption)!.patched[projection].tuned;
      return tuned === undefined ? [] : [tuned.result.signature];
    });
  const largest = over(seeds, (seed) => {
    const ratios = signatures(seed).map(({ compression }) => compression);
    return ratios.length === 0 ? undefined : Math.max(...ratios);
  });
  const smallest = seeds.flatMap(signatures).sort((a, b) => b.compression - a.compression)[0];
  const system = over(seeds, (seed) => {
    const made = signatures(seed);
    if (made.length < design.corruptions.length) return undefined;
    const { modelBytes } = made[0]!;
    const files = made.reduce((sum, { fileBytes }) => sum + fileBytes, modelBytes);
    return (modelBytes * (1 + made.length)) / files;
  });
  return {
    kind: 'published',
    title: 'Beside the paper',
    note: 'Cai, Zhang, Wang: Robust Weight Signatures, ICML 2023. Of its numbers only those of the abstract could be verified; its tables are not quoted here.',
    rows: [
      {
        what: 'one signature against a full weight copy',
        published: 'up to 13× more compact',
        source: 'abstract; the configuration it refers to is not said there and unverified',
        ours: largest,
        difference: `Largest over the corruptions${smallest === undefined ? '' : `: ${smallest.configuration}`}. Validation chose the number of units. In the paper's network, VGG-16, 6 of 13 layers in float32 would give 12.85×, by arithmetic.`,
      },
      {
        what: 'whole system: one model and all signatures against all models',
        published: 'not stated',
        source: '',
        ours: system,
        difference: `${design.corruptions.length} corruptions here. With 19 corruptions VGG-16 would reach 12.8× with 7 layers at 8 bits, by arithmetic; more corruptions make the ratio larger.`,
      },
    ],
  };
}

/** What the paper's grid has and this design does not. */
export function notCovered(design: Design): string[] {
  const missing = corruptionNames.filter((name) => !design.corruptions.includes(name));
  return [
    `This is a vision transformer (${design.model}, ${design.depth} blocks of width ${design.embedDim}, patches of ${design.patchSize} × ${design.patchSize}) trained from nothing with AdamW. The paper has VGG-16 on CIFAR-10, CIFAR-100 and Tiny-ImageNet, and ResNet-50 on Tiny-ImageNet, all from ImageNet weights, trained with SGD for 50 epochs; those networks and Tiny-ImageNet are not part of this repository yet.`,
    `Of the paper's 19 corruptions, frost is not here, since it needs photographs that cannot be passed on${missing.length === 0 ? '; all others are run.' : `; of the other 18 these are not run: ${missing.join(', ')}.`}`,
    design.seeds.length < 3
      ? `With ${design.seeds.length === 1 ? 'one seed' : `${design.seeds.length} seeds`} nothing here is a conclusion: another seed moves accuracies by some points. The preset "study" has three.`
      : `${design.seeds.length} seeds.`,
  ];
}

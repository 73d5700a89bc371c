import { patch } from '@proj/rws';
import { defineTask } from '../experiment.ts';
import { type CorruptionConfig, openParts, type PoolConfig } from './images.ts';
import { type Flavour, startKernels } from './kernels.ts';
import { openModel } from './model.ts';
import { signaturesOf } from './signatures.ts';
import { overheadSeconds } from './speed.ts';

export type GalleryConfig = PoolConfig &
  CorruptionConfig & { readonly flavour: Flavour; readonly part: number; readonly images: number };

export type GalleryResult = {
  readonly signatures: readonly string[];
  readonly images: readonly {
    /** PNG in base64. */
    readonly png: string;
    readonly label: string;
    readonly before: string;
    readonly after: string;
  }[];
};

/** Images spread evenly over a part, whatever `needs.model` makes of them without and with the signatures among `needs`. */
export const gallery = defineTask<GalleryConfig, GalleryResult>({
  name: 'gallery',
  module: import.meta.url,
  estimate: () => ({ seconds: overheadSeconds, bytes: 50_000 }),
  async run(context) {
    const { config, needs } = context;
    await startKernels(config.flavour);
    const { corrupted, predict } = await import('@proj/recipes');
    const { default: sharp } = await import('sharp');
    const { state, config: model } = await openModel(needs['model']!);
    const signatures = [...(await signaturesOf(needs)).values()];
    const clean = (await openParts(config))(config.part);
    const { corruption, severity, corruptionSeed } = config;
    const dataset =
      corruption === undefined
        ? clean
        : corrupted(clean, { name: corruption, severity, seed: corruptionSeed });
    const count = Math.min(config.images, dataset.length);
    const indices = Array.from({ length: count }, (_, i) => Math.floor((i * dataset.length) / count));
    const guess = async (weights: typeof state) =>
      (await predict({ config: model, state: weights, dataset }, indices)).map(
        (row) => dataset.classNames[row.indexOf(Math.max(...row))]!,
      );
    const patched = await patch(
      state,
      signatures.map((signature) => ({ signature, alpha: signature.about.recommendedAlpha ?? 1 })),
    );
    const [before, after] = [await guess(state), await guess(patched.state)];
    const images: GalleryResult['images'][number][] = [];
    for (const [i, index] of indices.entries()) {
      const { height, width, channels, classNames, labels } = dataset;
      const pixels = sharp(await dataset.images([index]), { raw: { height, width, channels } });
      const png = (await pixels.png().toBuffer()).toString('base64');
      images.push({ png, label: classNames[labels[index]!]!, before: before[i]!, after: after[i]! });
    }
    return { signatures: signatures.map(({ id }) => id), images };
  },
});

import type { SwinConfig, VitConfig } from '@proj/vit/forward';
import { layerBits, type QuantizedDesign } from '@proj/vit/quantized';
import { commandLine } from './command-line.ts';
import { bytes, count } from './format.ts';
import type { Oscillation } from './last-oscillation.ts';
import { fileBytes } from './model-file.ts';
import type { Output } from './output.ts';

/** A finished quantization. */
export interface Quantized {
  readonly config: VitConfig | SwinConfig;
  readonly design: QuantizedDesign;
  readonly dataset: string;
  /** 0 where nothing was trained. */
  readonly steps: number;
  /** Of the latent parameters. */
  readonly sha256: string;
  readonly files: { readonly start: string; readonly latent: string; readonly packed: string };
  /** As `--data` named it. */
  readonly data: string;
  /** Images of another size are scaled, here as in the next command. */
  readonly resize: boolean;
  /** Whether an accuracy can be measured on these data. */
  readonly labelled: boolean;
  /** ‖quantized - latent‖ / ‖latent‖ of each weight. */
  readonly errors: ReadonlyMap<string, number>;
  readonly oscillation: Oscillation | undefined;
}

/** The five lines that a quantization ends in. */
export async function reportQuantized(quantized: Quantized, output: Output): Promise<void> {
  const { config, design, dataset, steps, sha256, files, errors, oscillation } = quantized;
  const [before, after] = [await fileBytes(files.start), await fileBytes(files.packed)];
  const largest = [...errors].reduce((a, b) => (b[1] > a[1] ? b : a));
  const mean = [...errors.values()].reduce((sum, error) => sum + error, 0) / errors.size;
  const skipped = [...layerBits(config, design)].flatMap(([layer, { weight, activation, rule }]) =>
    rule === 'default' ? [] : [{ layer, bits: `w${weight}a${activation}`, rule }],
  );
  const next = commandLine(nextCommand(quantized));
  const shares = oscillation?.shares;
  const result = {
    model: files.packed,
    latent: files.latent,
    architecture: config.name,
    design,
    dataset,
    steps,
    sha256,
    bytes: { before, after },
    weightError: {
      measure: '|quantized - latent| / |latent|',
      largest: { layer: largest[0], error: largest[1] },
      mean,
      layers: Object.fromEntries(errors),
    },
    skipped,
    oscillation: oscillation && { step: oscillation.step, ...oscillation.shares },
    next,
  };
  output.result('proj.quantize/1', result, () =>
    [
      `on disk: ${bytes(before)} (${files.start}) to ${bytes(after)} (${files.packed}), ${(before / after).toFixed(1)}x smaller`,
      `weight error |quantized - latent| / |latent|: largest ${largest[1].toFixed(3)} (${largest[0]}), mean ${mean.toFixed(3)} of ${errors.size} weights`,
      `not at ${design.plan['default']}: ${skippedText(skipped)}; LayerNorms, biases, tokens and positions in float32, for they hardly take bytes`,
      shares === undefined
        ? `oscillating weights: none were watched, ${steps === 0 ? 'nothing was trained' : 'the training was too short'}`
        : `oscillating weights: ${percent(shares.oscillating)}; ${percent(shares.withinBoundary)} within the boundary range (step ${count(oscillation!.step)} of ${count(steps)})`,
      `SHA-256 of the parameters ${sha256}; next: ${next}`,
    ].join('\n'),
  );
}

const nextCommand = ({ files: { packed }, data, resize, labelled }: Quantized): string[] =>
  labelled ? ['evaluate', packed, '--data', data, ...(resize ? ['--resize'] : [])] : ['inspect', packed];

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

const skippedText = (skipped: readonly { layer: string; bits: string }[]): string =>
  skipped.length === 0
    ? 'nothing'
    : `${skipped.map(({ layer, bits }) => `${layer} ${bits}`).join(', ')} (the bit plan: what enters and leaves a model needs more)`;

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { extract, relativeDifferences, signatureToBytes } from '@proj/rws';
import { vitUnits } from '@proj/vit/forward';
import { defineTask } from '../experiment.ts';
import { openModel, SIGNATURE_FILE } from './model.ts';
import { type SignatureConfig, type SignatureSummary, summaryOf } from './signatures.ts';
import { overheadSeconds } from './speed.ts';

export type ExtractConfig = SignatureConfig & {
  readonly corruption: string;
  readonly severity: number;
  readonly dataset: string;
  /** The signature covers the first `k` units. */
  readonly k: number;
};

export type ExtractResult = {
  readonly signature: SignatureSummary;
  /** ||robust - standard|| / ||standard|| of every tensor of the model; null where the standard one is zero. */
  readonly relativeDifferences: readonly { readonly name: string; readonly value: number | null }[];
  /** Of the tensors that the signature covers, before it was quantized. */
  readonly tensors: readonly {
    readonly name: string;
    /** <d, b> / <b, b>; null without projection. */
    readonly p: number | null;
    readonly norm: number;
    /** Share of the signature's squared norm. */
    readonly share: number;
    /** What quantization cost, over the norm. */
    readonly storageError: number;
  }[];
};

/** The robust weight signature of `needs.robust` beside `needs.standard`, both trained on from `needs.init`. */
export const rwsExtract = defineTask<ExtractConfig, ExtractResult>({
  name: 'rws-extract',
  module: import.meta.url,
  estimate: () => ({ seconds: overheadSeconds, bytes: 100_000 }),
  async run({ config, needs, files }) {
    const { k, bits, projection, corruption, severity, dataset } = config;
    const init = await openModel(needs['init']!);
    const standard = await openModel(needs['standard']!);
    const robust = await openModel(needs['robust']!);
    const { signature, diagnostics } = await extract({
      ...{ init: init.state, standard: standard.state, robust: robust.state },
      units: vitUnits(standard.config),
      ...{ k, bits, projection },
      about: {
        name: `${corruption}-s${severity}`,
        architecture: standard.config.name,
        ...{ corruption, severity, dataset },
      },
    });
    await writeFile(join(files, SIGNATURE_FILE), signatureToBytes(signature));
    return {
      signature: summaryOf(signature),
      relativeDifferences: [...relativeDifferences(standard.state, robust.state)].map(([name, value]) => ({
        name,
        value,
      })),
      tensors: diagnostics.map(({ name, p, norm, share, storageError }) => ({
        ...{ name, p, norm, share, storageError },
      })),
    };
  },
});

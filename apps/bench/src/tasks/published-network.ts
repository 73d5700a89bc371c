import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configFromState, convnetMetadata } from '@proj/convnet/forward';
import { cifar10ClassNames } from '@proj/datasets';
import { stateSha256 } from '@proj/tensor-io';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { BenchError } from '../error.ts';
import { defineTask } from '../experiment.ts';
import { MODEL_FILE } from './model.ts';

/** Weights trained on CIFAR-10 by others, by the hash of their parameters (`stateSha256`), which the job thus depends on. */
export type PublishedConfig = { readonly model: 'resnet20'; readonly sha256: string };

/** akamaster's ResNet-20, 91.73 % on CIFAR-10's test images. */
export const resnet20: PublishedConfig = {
  model: 'resnet20',
  sha256: '31b31bd0dd6ee3def6842d4b947c00393689b8e4ffff9611e4654a21eb7b7426',
};

/** Where published weights lie: `PROJ_DATA_DIR`, else `../shared/data` beside the repository. */
const weightsPath = (model: string): string =>
  join(
    process.env['PROJ_DATA_DIR'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url)),
    'resnet_cifar10',
    `${model}.safetensors`,
  );

/** Published weights as other tasks take a model. */
export const publishedNetwork = defineTask<PublishedConfig, { readonly sha256: string }>({
  name: 'published-network',
  module: import.meta.url,
  estimate: () => ({ seconds: 2, bytes: 1_200_000 }),
  async run({ config, files }) {
    const path = weightsPath(config.model);
    if (!existsSync(path))
      throw new BenchError(
        'BENCH_DATA_MISSING',
        `the weights of ${config.model} are not at ${path}; set PROJ_DATA_DIR to a folder that has resnet_cifar10/${config.model}.safetensors.`,
      );
    const { state, metadata } = await readSafetensors(path);
    const sha256 = await stateSha256(state);
    if (sha256 !== config.sha256)
      throw new BenchError(
        'BENCH_DATA_MISSING',
        `${path} has other weights: their SHA-256 is ${sha256}, expected ${config.sha256}.`,
      );
    const network = configFromState(state, metadata, { name: config.model });
    await writeSafetensors(
      join(files, MODEL_FILE),
      state,
      new Map([['proj', convnetMetadata(network, cifar10ClassNames)]]),
    );
    return { sha256 };
  },
});

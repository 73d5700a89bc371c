import { join } from 'node:path';
import { stateSha256 } from '@proj/tensor-io';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { checkParameters, vitConfig, vitMetadata } from '@proj/vit/forward';
import { weightsFile } from '../data.ts';
import { defineTask, type TaskContext } from '../experiment.ts';
import { MODEL_FILE, parameterBytes } from './model.ts';

export type PretrainedConfig = { readonly model: string };

export type PretrainedResult = { readonly sha256: string; readonly bytes: number };

/** Published weights, as other tasks take a model. The job's `data` is `weightsOf(model)`. */
export const pretrainedModel = defineTask<PretrainedConfig, PretrainedResult>({
  name: 'pretrained-model',
  module: import.meta.url,
  estimate: ({ model }) => ({ seconds: 2, bytes: parameterBytes(vitConfig(model)) }),
  async run({ config, files }: TaskContext<PretrainedConfig>): Promise<PretrainedResult> {
    const model = vitConfig(config.model);
    const { state } = await readSafetensors(weightsFile(config.model));
    checkParameters(model, state);
    await writeSafetensors(join(files, MODEL_FILE), state, new Map([['proj', vitMetadata(model)]]));
    return { sha256: await stateSha256(state), bytes: parameterBytes(model) };
  },
});

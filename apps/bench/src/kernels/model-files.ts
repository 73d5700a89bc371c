import '@tensorflow/tfjs-backend-wasm';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportVit } from '@proj/onnx';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { initVit, vitConfig } from '@proj/vit';
import { dispose, setBackend } from '@tensorflow/tfjs-core';
import type { ModelFiles } from './tasks.ts';

export const modelNames = { deit: 'deit_tiny_patch16_224', cifar: 'vit_cifar_32' } as const;

/** Gives the files of a model with weights that all engines read, and says where the weights come from. */
export type ModelFolder = (model: string) => Promise<ModelFiles & { readonly origin: string }>;

/** `PROJ_DATA_DIR`, else `../shared/data` beside the repository, seen from where the built program lies. */
const dataDirectory = (): string =>
  process.env['PROJ_DATA_DIR'] ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url));

/** Writes models to a folder when they are first asked for: trained weights where the data directory has some, else drawn ones. */
export function modelFolder(folder: string): ModelFolder {
  return async (model) => {
    await mkdir(folder, { recursive: true });
    const trained = join(dataDirectory(), model, 'model.safetensors');
    const real = existsSync(trained);
    const config = vitConfig(model);
    const files = {
      safetensors: join(folder, `${model}.safetensors`),
      onnx: join(folder, `${model}.onnx`),
      origin: real ? 'trained ones of the data directory' : 'random (seed 0)',
    };
    const state = real ? (await readSafetensors(trained)).state : await drawn(model);
    await writeSafetensors(files.safetensors, state);
    await writeFile(files.onnx, exportVit(config, state));
    return files;
  };
}

async function drawn(model: string) {
  await setBackend('wasm');
  const parameters = initVit(vitConfig(model), 0);
  const state = await fromTensors(parameters);
  dispose([...parameters.values()]);
  return state;
}

import '@tensorflow/tfjs-backend-wasm';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportVit } from '@proj/onnx';
import { writeSafetensors } from '@proj/tensor-io/node';
import { fromTensors } from '@proj/tensor-io/tfjs';
import { initVit, vitConfig } from '@proj/vit';
import { dispose, setBackend } from '@tensorflow/tfjs-core';
import type { Group } from './groups.ts';
import { WEIGHT_SEED } from './tasks.ts';

/** Writes the models of a group's tasks, for engines that read `MODEL.onnx` or `MODEL.safetensors`; ours draw the same weights. */
export async function writeModels(folder: string, { rows }: Group): Promise<void> {
  const tasks = rows.flatMap(({ columns }) => columns.map(({ task }) => task));
  const models = new Set(tasks.flatMap((task) => ('model' in task ? [task.model] : [])));
  if (models.size > 0) await setBackend('wasm');
  for (const model of models) {
    const config = vitConfig(model);
    const parameters = initVit(config, WEIGHT_SEED);
    const state = await fromTensors(parameters);
    dispose([...parameters.values()]);
    await writeSafetensors(join(folder, `${model}.safetensors`), state);
    await writeFile(join(folder, `${model}.onnx`), exportVit(config, state));
  }
}

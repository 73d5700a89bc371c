import type { ImageDataset } from '@proj/datasets';
import type { StateDict } from '@proj/tensor-io';
import type { EvaluateOptions } from '@proj/trainer';
import type { wasmRecipes } from './backend.ts';
import type { AnyModelFile, FloatModelFile } from './model-file.ts';

type Recipes = Awaited<ReturnType<typeof wasmRecipes>>;

interface Evaluated extends Pick<EvaluateOptions, 'progress' | 'signal'> {
  readonly dataset: ImageDataset;
  readonly batchSize: number;
}

/** Evaluates any model, quantized ones also beside a float one. */
export async function evaluateModel(
  { evaluateFloat, evaluateQuantized }: Recipes,
  model: AnyModelFile,
  against: FloatModelFile | undefined,
  options: Evaluated,
) {
  const { config, state, classNames, quantization } = model;
  if (quantization === undefined) return evaluateFloat({ ...options, classNames, model: { config, state } });
  const { design, packed } = quantization;
  const { quantizedBuffers, unpackModel } = await import('@proj/vit/quantized');
  const { toTensors } = await import('@proj/tensor-io/tfjs');
  const own = packed ? unpackModel(config, design, state) : apart(state, quantizedBuffers(config, design));
  const [parameters, buffers] = [toTensors(own.parameters), toTensors(own.buffers)];
  return evaluateQuantized({
    ...options,
    classNames,
    model: { config, design, parameters, buffers, unpacked: packed },
    teacher: against && { config: against.config, state: against.state },
  });
}

/** A latent model's file holds both. */
function apart(
  state: StateDict,
  specs: readonly { readonly name: string }[],
): { parameters: StateDict; buffers: StateDict } {
  const names = new Set(specs.map(({ name }) => name));
  const part = (isBuffer: boolean): StateDict =>
    new Map([...state].filter(([name]) => names.has(name) === isBuffer));
  return { parameters: part(false), buffers: part(true) };
}

import { type StateDict, type TensorData, tensorData, toFloat32 } from '@proj/tensor-io';
import { checkParameters, type VitConfig, vit, vitMetadata, vitParameters } from '@proj/vit/forward';
import { OnnxError } from './error.ts';
import { OnnxGraph } from './graph.ts';
import { onnxLayers } from './layers.ts';

export interface ExportOptions {
  /** Images at a time; `dynamic` (the default) leaves it to whoever runs the model. */
  readonly batch?: number | 'dynamic';
  /** One a class, for the metadata. */
  readonly classNames?: readonly string[] | undefined;
}

/**
 * A ViT or DeiT as an ONNX file (operator set 17, float32): `images` [B, channels, imageSize, imageSize], normalised as
 * `preprocess` does it, to `logits` [B, classes].
 *
 * It is the same forward pass as everywhere (`vit`). The parameters are initializers with timm's names and PyTorch's
 * layouts, float32 whatever the state's dtypes; equal arguments give equal bytes. The file's metadata has `vitMetadata`'s
 * JSON under `proj`: configuration, preprocessing and class names.
 *
 * @throws {VitError} `VIT_PARAMETERS_MISMATCH` naming every missing, misshapen and unexpected parameter;
 * `VIT_CONFIG_INVALID`; `VIT_METADATA_INVALID` when there is not one class name a class.
 * @throws {OnnxError} `ONNX_BATCH` for a batch that is no positive integer; `ONNX_NON_FINITE` for an infinite or NaN
 * weight; `ONNX_TOO_LARGE` from 2 GiB on.
 * @throws {TensorIoError} for a tensor whose bytes and shape disagree, and as `toFloat32` does.
 */
export function exportVit(
  config: VitConfig,
  state: StateDict,
  { batch = 'dynamic', classNames }: ExportOptions = {},
): Uint8Array<ArrayBuffer> {
  checkParameters(config, state);
  if (batch !== 'dynamic' && !(Number.isSafeInteger(batch) && batch >= 1)) {
    throw new OnnxError('ONNX_BATCH', `batch must be a positive integer or "dynamic", got ${batch}.`);
  }
  const metadata = new Map([['proj', vitMetadata(config, classNames)]]);
  const [, tokens, width] = state.get('pos_embed')!.shape as [number, number, number];

  const graph = new OnnxGraph(config.name);
  const first = batch === 'dynamic' ? 'batch' : batch;
  const images = graph.input('images', [first, config.channels, config.imageSize, config.imageSize]);
  for (const { name } of vitParameters(config)) graph.initializer(name, finite(name, state.get(name)!));
  const sizes = { batch: batch === 'dynamic' ? undefined : batch, tokens, width };
  graph.output(vit(config, onnxLayers(graph, sizes), images), [first, config.classes]);
  return graph.toBytes(metadata);
}

/** The tensor in float32. */
function finite(name: string, tensor: TensorData): TensorData {
  const values = toFloat32(tensor);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new OnnxError(
      'ONNX_NON_FINITE',
      `${name} has ${values[bad]} at element ${bad}; a model with such weights computes nothing. Export a checkpoint from before.`,
    );
  }
  return tensor.dtype === 'F32' ? tensor : tensorData('F32', tensor.shape, values);
}

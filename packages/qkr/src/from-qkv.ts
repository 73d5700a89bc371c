import type { NamedTensors } from '@proj/ops';
import { clone, ones, slice, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { QkrError } from './error.ts';
import { prefixed, qkrParameters } from './parameters.ts';
import type { AttentionSizes } from './spec.ts';

/**
 * W_q, W_k, W_v and b_v of a float attention's `qkv` [3C, C]: its rows in thirds, in this order.
 *
 * The biases of queries and keys are dropped, as QKR has none. That of the keys never mattered (a softmax does not see it); that of the
 * queries did, so that the attention is no longer quite the float model's.
 *
 * @param weight float32 [3C, C]
 * @param bias float32 [3C]
 * @throws {QkrError} QKR_INPUT_INVALID for other shapes.
 */
export function qkrFromQkv(
  weight: Tensor,
  bias: Tensor,
): Record<'q.weight' | 'k.weight' | 'v.weight' | 'v.bias', Tensor> {
  const width = weight.shape[1] ?? 0;
  if (
    width === 0 ||
    weight.shape.join() !== `${3 * width},${width}` ||
    bias.shape.join() !== `${3 * width}`
  ) {
    throw new QkrError(
      'QKR_INPUT_INVALID',
      `qkv must be a weight [3 C, C] and a bias [3 C], got [${weight.shape.join(', ')}] and [${bias.shape.join(', ')}].`,
    );
  }
  const third = (i: number): Tensor => slice(weight, [i * width, 0], [width, width]);
  return {
    'q.weight': third(0),
    'k.weight': third(1),
    'v.weight': third(2),
    'v.bias': slice(bias, [2 * width], [width]),
  };
}

/**
 * All parameters of {@link qkrParameters} after `prefix`, from a float attention's `qkv` and `proj` (timm's names): offsets 0, and steps 1
 * until {@link qkrInitialSteps} finds better ones on data.
 *
 * `proj` is copied. The reference code forgets to (its published models start from a random one): replace it to do likewise.
 *
 * @returns new tensors in the reference's order; those given are left alone
 * @throws {QkrError} QKR_INPUT_INVALID, QKR_OPTION_INVALID, QKR_PARAMETERS_MISMATCH for a missing or misshapen `qkv` or `proj`.
 */
export function qkrFromFloat(
  float: NamedTensors,
  prefix: string,
  sizes: AttentionSizes,
): Map<string, Tensor> {
  const parameters = qkrParameters(sizes);
  const { width } = sizes;
  const get = (name: string, shape: readonly number[]): Tensor => {
    const tensor = float.get(prefixed(prefix, name));
    if (tensor?.shape.join() === shape.join()) return tensor;
    const got = tensor === undefined ? 'missing' : `[${tensor.shape.join(', ')}]`;
    throw new QkrError(
      'QKR_PARAMETERS_MISMATCH',
      `"${prefixed(prefix, name)}" is ${got}, expected [${shape.join(', ')}] for a width of ${width}.`,
    );
  };
  const [qkv, qkvBias] = [get('qkv.weight', [3 * width, width]), get('qkv.bias', [3 * width])];
  const [proj, projBias] = [get('proj.weight', [width, width]), get('proj.bias', [width])];
  const found: Readonly<Record<string, Tensor>> = {
    ...qkrFromQkv(qkv, qkvBias),
    'proj.weight': clone(proj),
    'proj.bias': clone(projBias),
  };
  return new Map(
    parameters.map(({ name, shape }) => {
      const fresh = () => (name.endsWith('.s') ? ones([...shape]) : zeros([...shape]));
      return [prefixed(prefix, name), found[name] ?? fresh()];
    }),
  );
}

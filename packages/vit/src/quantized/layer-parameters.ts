import { type AttentionSizes, qkrParameters } from '@proj/qkr';
import type { ParameterSpec } from '../named-shapes.ts';
import type { QuantizedDesign } from './design.ts';

interface LayerSizes {
  /** Steps of its input: one for each token, column of a map, channel of an image, or one in all. */
  readonly steps: number;
  /** Entries of the offsets around its input; its input's width where not given. */
  readonly offsets?: number;
  /** Whether its weight has steps, one for each output: StatsQ has none. */
  readonly lsq: boolean;
}

/** The parameters of a layer with a weight of that shape, [out, in] or [out, channels, h, w], in the reference's order. */
export function layerParameters(
  prefix: string,
  shape: readonly number[],
  { steps, offsets = shape[1]!, lsq }: LayerSizes,
): ParameterSpec[] {
  const outputs = shape[0]!;
  const entries: readonly (readonly [string, readonly number[]])[] = [
    ['weight', shape],
    ['bias', [outputs]],
    ['input_quant_fn.s', [steps]],
    ...(lsq ? ([['lsqw_fn.s', [outputs]]] as const) : []),
    ['move_b4.bias', [offsets]],
    ['move_aft.bias', [offsets]],
  ];
  return entries.map(([name, shape]) => ({ name: `${prefix}.${name}`, shape }));
}

/**
 * The parameters of an attention with `proj` (`QAttention_qkreparam`, `QAttention`, `QAttention_lsq`), in the reference's order. It has no
 * QKR with LSQ weights; the steps of the product and of the values' weight are called after its modules for them, `qk_quant` and `v_quant`.
 */
export function attentionParameters(
  prefix: string,
  sizes: AttentionSizes,
  { weights, attention }: Pick<QuantizedDesign, 'weights' | 'attention'>,
): ParameterSpec[] {
  const { tokens, width, heads } = sizes;
  const lsq = weights !== 'statsq';
  const named = (name: string, ...shape: number[]): ParameterSpec => ({ name: `${prefix}.${name}`, shape });
  if (attention === 'qkr') {
    return qkrParameters(sizes).flatMap(({ name, shape }) => {
      const own = named(name, ...shape);
      if (lsq && name === 'proj.input_quant_fn.s') return [own, named('proj.lsqw_fn.s', width)];
      if (lsq && name === 'v.bias') {
        return [own, named('qk_quant.s', heads * width), named('v_quant.s', width)];
      }
      return [own];
    });
  }
  return [
    ...layerParameters(`${prefix}.qkv`, [3 * width, width], { steps: tokens, lsq }),
    ...layerParameters(`${prefix}.proj`, [width, width], { steps: tokens, lsq }),
    named('quan_a_q_fn.s', tokens),
    named('quan_a_k_fn.s', tokens),
    named('quan_a_v_fn.s', width),
    named('move_qkv_b4.bias', 3 * width),
    named('move_q_aft.bias', width),
    named('move_k_aft.bias', width),
    named('move_v_aft.bias', width),
    named('quan_a_softmax_fn.s', tokens),
  ];
}

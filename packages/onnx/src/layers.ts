import type { VitLayers } from '@proj/vit/forward';
import type { OnnxGraph } from './graph.ts';

export interface LayerSizes {
  /** Images at a time; undefined leaves it to whoever runs the model. */
  readonly batch: number | undefined;
  /** Sequence length N. */
  readonly tokens: number;
  /** Width C of a token. */
  readonly width: number;
}

/**
 * The layers as nodes of a graph that already holds the parameters under timm's names; a value is its name.
 *
 * Between the layers the tokens are rows [B N, C], so that a linear layer is one Gemm that reads PyTorch's [out, in] and
 * adds the bias. ONNX Runtime runs that faster than MatMul and Add (the README has numbers); the nodes of GELU, and those
 * of scale, transpose and product, are in the order in which it joins them into one kernel each.
 */
export function onnxLayers(graph: OnnxGraph, { batch, tokens, width }: LayerSizes): VitLayers<string> {
  const node = graph.node.bind(graph);
  const shape = (...sizes: number[]) => graph.constant('I64', sizes);
  const affine = (prefix: string) => [`${prefix}.weight`, `${prefix}.bias`];
  const dense = (x: string, prefix: string) => node('Gemm', prefix, [x, ...affine(prefix)], { transB: 1 });
  const norm = (x: string, name: string, prefix: string, eps: number) =>
    node('LayerNormalization', name, [x, ...affine(prefix)], { axis: -1, epsilon: { float: eps } });
  /** `x` at one index of an axis, which is dropped. */
  const at = (name: string, x: string, axis: number, index: number) =>
    node('Gather', name, [x, graph.constant('I64', index)], { axis });

  return {
    embed: (images, { proj, patchSize, tokens: prefix, position }) => {
      const square = [patchSize, patchSize];
      const grid = node('Conv', proj, [images, ...affine(proj)], { kernel_shape: square, strides: square });
      const columns = node('Reshape', `${proj}.columns`, [grid, shape(0, width, -1)]);
      const patches = node('Transpose', `${proj}.patches`, [columns], { perm: [0, 2, 1] });
      const once =
        batch === undefined
          ? node(
              'Concat',
              'tokens.shape',
              [node('Shape', 'batch', [images], { start: 0, end: 1 }), shape(1, 1)],
              { axis: 0 },
            )
          : shape(batch, 1, 1);
      const copies = prefix.map((token) => node('Expand', `${token}.copies`, [token, once]));
      const sequence = node('Concat', 'tokens', [...copies, patches], { axis: 1 });
      const placed = node('Add', 'tokens.placed', [sequence, position]);
      return node('Reshape', 'tokens.rows', [placed, shape(-1, width)]);
    },

    attention: (x, { norm: before, attn, heads, eps }) => {
      const headDim = width / heads;
      const qkv = dense(norm(x, before, before, eps), `${attn}.qkv`);
      const split = node('Reshape', `${attn}.split`, [qkv, shape(-1, tokens, 3, heads, headDim)]);
      const parts = node('Transpose', `${attn}.parts`, [split], { perm: [2, 0, 3, 1, 4] });
      const [q, k, v] = ['q', 'k', 'v'].map((name, i) => at(`${attn}.${name}`, parts, 0, i)) as [
        string,
        string,
        string,
      ];
      const scaled = node('Mul', `${attn}.q.scaled`, [q, graph.constant('F32', 1 / Math.sqrt(headDim))]);
      const transposed = node('Transpose', `${attn}.k.transposed`, [k], { perm: [0, 1, 3, 2] });
      const scores = node('MatMul', `${attn}.scores`, [scaled, transposed]);
      const weights = node('Softmax', `${attn}.softmax`, [scores], { axis: -1 });
      const mixed = node('MatMul', `${attn}.mixed`, [weights, v]);
      const merged = node('Transpose', `${attn}.merged`, [mixed], { perm: [0, 2, 1, 3] });
      const rows = node('Reshape', `${attn}.rows`, [merged, shape(-1, width)]);
      return node('Add', `${attn}.residual`, [x, dense(rows, `${attn}.proj`)]);
    },

    mlp: (x, { norm: before, mlp, eps }) => {
      const hidden = dense(norm(x, before, before, eps), `${mlp}.fc1`);
      // GELU as operator sets before 20 have to write it: h (1 + erf(h / √2)) / 2.
      const scaled = node('Div', `${mlp}.scaled`, [hidden, graph.constant('F32', Math.SQRT2)]);
      const erf = node('Erf', `${mlp}.erf`, [scaled]);
      const gate = node('Add', `${mlp}.gate`, [erf, graph.constant('F32', 1)]);
      const gated = node('Mul', `${mlp}.gated`, [hidden, gate]);
      const gelu = node('Mul', `${mlp}.gelu`, [gated, graph.constant('F32', 0.5)]);
      return node('Add', `${mlp}.residual`, [x, dense(gelu, `${mlp}.fc2`)]);
    },

    head: (x, { norm: before, heads, eps }) => {
      const sequence = node('Reshape', 'tokens.encoded', [x, shape(-1, tokens, width)]);
      // LayerNorm works token by token, so the other tokens need none.
      const logits = heads.map(({ head, token }) =>
        dense(norm(at(`${head}.token`, sequence, 1, token), `${head}.norm`, before, eps), head),
      );
      return node('Mean', 'logits', logits);
    },
  };
}

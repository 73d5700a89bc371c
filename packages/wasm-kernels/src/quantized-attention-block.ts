import type { TensorInfo } from '@tensorflow/tfjs-core';
import { layout, linearProducts, linearScratch } from './branch.ts';
import { ownKernel } from './own-kernel.ts';
import { quantizer, quantizeWeight, quantizing, rowsOfTurns } from './quantized-layer.ts';

type Tensors = Readonly<Record<string, TensorInfo>>;
type Attributes = Readonly<Record<string, number>>;

/** Sizes and quantizers of the block. */
function blockOf({ x, ...tensors }: Tensors, attrs: Attributes) {
  const [batch, tokens, channels] = x!.shape as [number, number, number];
  const heads = attrs['heads']!;
  const [ofX, ofK, ofV, ofP] = ['X', 'K', 'V', 'P'].map((suffix) => quantizer(tensors, attrs, suffix)) as [
    ReturnType<typeof quantizer>,
    ReturnType<typeof quantizer>,
    ReturnType<typeof quantizer>,
    ReturnType<typeof quantizer>,
  ];
  const width = channels;
  const most = rowsOfTurns(batch * tokens, tokens, [
    { ...ofX, width },
    { ...ofK, width: heads * width },
    { ...ofV, width },
    { ...ofP, width },
  ]);
  return { rows: batch * tokens, most, tokens, channels, heads, size: channels / heads, ofX, ofK, ofV, ofP };
}

type Names = 'x' | 'weightK' | 'weightV' | 'biasV' | 'step' | 'weightP' | 'biasP';

/**
 * x [B, N, C], layers K [H C, C], V and P [C, C] with levels of StatsQ, LSQ quantizers X, K, V and P (step, before, after; inner,
 * low, high), step [N] and high of the probabilities, mask [R, H, N, N] or none, residual like x or none; heads, scale, keep ->
 * residual + P(attention), and with keep = 1 the three quantized weights, keys [B, N, H C], values [B, N, C], what the attention
 * makes of them [B, N, C], and its probabilities [B, H, N, N].
 */
export const quantizedAttentionBlockKernel = ownKernel<Names, 'mask' | 'residual'>(
  'QuantizedAttentionBlock',
  (given, { attrs, heap, make }) => {
    const { x, weightK, weightV, biasV, step, weightP, biasP, mask, residual } = given;
    const block = blockOf(given as Tensors, attrs);
    const { rows, most, tokens, channels, heads, size } = block;
    const y = make(x.shape);
    const wide = heads * channels;
    const weights = [weightK, weightV, weightP];
    const kept =
      attrs['keep'] === 1
        ? [
            ...weights.map(({ shape }) => make(shape)),
            make([rows, wide]),
            make(x.shape),
            make(x.shape),
            make([rows / tokens, heads, tokens, tokens]),
          ]
        : [];
    const keeps = kept.length > 0;
    const square = most * heads * tokens;
    const [narrow, broad, matrix] = [most * channels, most * wide, channels * channels];
    const sizes = [
      narrow,
      broad,
      narrow,
      ...(keeps ? [] : [heads * matrix, matrix, matrix, broad, narrow, narrow, square]),
    ];
    const products = Math.max(
      linearScratch(heap, most, [wide, channels], [channels, channels]),
      heap.kernels.quantizedAttentionScratch(tokens, channels, size),
    );
    const { kernels, offset, withScratch } = heap;
    withScratch(layout(0, ...sizes).at(-1)! + products, (scratch) => {
      const [xq, kq, vq, ...rest] = layout(scratch, ...sizes) as [number, number, number, ...number[]];
      const work = rest.at(-1)!;
      const { forward } = linearProducts(heap, work);
      const [atWeightK, atWeightV, atWeightP, ...places] = (keeps ? kept.map(offset) : rest) as [
        number,
        number,
        number,
        ...number[],
      ];
      quantizeWeight(heap, weightK, attrs['levelsK']!, atWeightK);
      quantizeWeight(heap, weightV, attrs['levelsV']!, atWeightV);
      quantizeWeight(heap, weightP, attrs['levelsP']!, atWeightP);
      const [ofX, ofK, ofV, ofP] = [block.ofX, block.ofK, block.ofV, block.ofP].map((of) =>
        quantizing(heap, of),
      ) as [Quantizing, Quantizing, Quantizing, Quantizing];
      for (let row = 0; row < rows; row += most) {
        const count = Math.min(most, rows - row);
        const at = (tensor: TensorInfo): number => offset(tensor) + 4 * row * channels;
        const [keys, values, attended, p] = [wide, channels, channels, heads * tokens].map(
          (columns, i) => places[i]! + (keeps ? 4 * row * columns : 0),
        ) as [number, number, number, number];
        ofX.forward(count * channels, at(x), xq);
        forward(count, wide, channels, xq, atWeightK, keys);
        forward(count, channels, channels, xq, atWeightV, values, { bias: offset(biasV) });
        ofK.forward(count * wide, keys, kq);
        ofV.forward(count * channels, values, vq);
        for (let i = 0; i < count; i += tokens) {
          kernels.quantizedAttention(
            1,
            tokens,
            heads,
            1,
            channels,
            size,
            attrs['scale']!,
            attrs['high']!,
            xq + 4 * i * channels,
            kq + 4 * i * wide,
            vq + 4 * i * channels,
            offset(step),
            mask === undefined ? 0 : 1,
            maskOf(mask, (row + i) / tokens, offset),
            attended + 4 * i * channels,
            p + 4 * i * heads * tokens,
            work,
          );
        }
        // The tokens are read no more.
        ofP.forward(count * channels, attended, xq);
        forward(count, channels, channels, xq, atWeightP, at(y), {
          from: residual === undefined ? 0 : at(residual),
          bias: offset(biasP),
        });
      }
    });
    return [y, ...kept];
  },
);

/**
 * dy and x [B, N, C], the quantizers' parameters and what `QuantizedAttentionBlock` kept, mask or none -> the gradients of x, of the
 * parameters of X, K, V, of step and of P (of each what it has of weight, bias, step, before and after), and of the mask.
 */
export const quantizedAttentionBlockGradientKernel = ownKernel<
  'dy' | 'x' | 'step' | 'quantizedK' | 'quantizedV' | 'quantizedP' | 'keys' | 'values' | 'attended' | 'p',
  'mask'
>('QuantizedAttentionBlockGradient', (given, { attrs, heap, make }) => {
  const { dy, x, step, quantizedK, quantizedV, quantizedP, keys, values, attended, p, mask } = given;
  const block = blockOf(given as Tensors, attrs);
  const { rows, most, tokens, channels, heads, size } = block;
  const wide = heads * channels;
  const like = (tensor: TensorInfo): TensorInfo => make(tensor.shape);
  const ofQuantizer = ({ step, before, after }: typeof block.ofX) => [step, before, after].map(like);
  const dx = like(x);
  const gradientsX = ofQuantizer(block.ofX);
  const [dWeightK, gradientsK] = [like(quantizedK), ofQuantizer(block.ofK)];
  const [dLayerV, gradientsV] = [[like(quantizedV), make([channels])], ofQuantizer(block.ofV)];
  const dStep = like(step);
  const [dLayerP, gradientsP] = [[like(quantizedP), make([channels])], ofQuantizer(block.ofP)];
  const dMask = mask && like(mask);
  const [narrow, broad] = [most * channels, most * wide];
  const sizes = [narrow, narrow, narrow, narrow, broad, broad];
  const products = Math.max(
    linearScratch(heap, most, [wide, channels], [channels, channels]),
    heap.kernels.quantizedAttentionScratch(tokens, channels, size),
  );
  const { kernels, offset, withScratch } = heap;
  withScratch(layout(0, ...sizes).at(-1)! + products, (scratch) => {
    const [xq, dAttended, vq, dv, kq, dk, work] = layout(scratch, ...sizes) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const { input, parameters } = linearProducts(heap, work);
    const [ofX, ofK, ofV, ofP] = [block.ofX, block.ofK, block.ofV, block.ofP].map((of) =>
      quantizing(heap, of),
    ) as [Quantizing, Quantizing, Quantizing, Quantizing];
    const [pairV, pairP] = [dLayerV, dLayerP].map((pair) => pair.map(offset)) as [
      [number, number],
      [number, number],
    ];
    kernels.clear(offset(dStep), 4 * tokens);
    if (dMask !== undefined) kernels.clear(offset(dMask), 4 * dMask.shape.reduce((a, b) => a * b, 1));
    for (let row = 0; row < rows; row += most) {
      const count = Math.min(most, rows - row);
      const adds = row > 0;
      const at = (tensor: TensorInfo, columns: number): number => offset(tensor) + 4 * row * columns;
      const [dyHere, dxHere, xHere] = [at(dy, channels), at(dx, channels), at(x, channels)];
      const [keysHere, valuesHere] = [at(keys, wide), at(values, channels)];
      const [few, many] = [count * channels, count * wide];
      input(count, channels, channels, dyHere, offset(quantizedP), dAttended);
      ofP.gradient(few, dAttended, at(attended, channels), 0, dAttended, xq, gradientsP, adds);
      parameters(count, channels, channels, dyHere, xq, pairP, adds);
      ofX.forward(few, xHere, xq);
      ofK.forward(many, keysHere, kq);
      ofV.forward(few, valuesHere, vq);
      for (let i = 0; i < count; i += tokens) {
        kernels.quantizedAttentionGradient(
          1,
          tokens,
          heads,
          1,
          channels,
          size,
          attrs['scale']!,
          attrs['high']!,
          attrs['gradientScale']!,
          dAttended + 4 * i * channels,
          xq + 4 * i * channels,
          kq + 4 * i * wide,
          vq + 4 * i * channels,
          offset(step),
          at(p, heads * tokens) + 4 * i * heads * tokens,
          dxHere + 4 * i * channels,
          dk + 4 * i * wide,
          dv + 4 * i * channels,
          offset(dStep),
          mask === undefined ? 0 : 1,
          maskOf(dMask, (row + i) / tokens, offset),
          1,
          work,
        );
      }
      ofK.gradient(many, dk, keysHere, 0, dk, 0, gradientsK, adds);
      ofV.gradient(few, dv, valuesHere, 0, dv, 0, gradientsV, adds);
      parameters(count, wide, channels, dk, xq, [offset(dWeightK), 0], adds);
      parameters(count, channels, channels, dv, xq, pairV, adds);
      input(count, wide, channels, dk, offset(quantizedK), dxHere, { from: dxHere });
      input(count, channels, channels, dv, offset(quantizedV), dxHere, { from: dxHere });
      ofX.gradient(few, dxHere, xHere, 0, dxHere, 0, gradientsX, adds);
    }
  });
  return [
    dx,
    ...gradientsX,
    dWeightK,
    ...gradientsK,
    ...dLayerV,
    ...gradientsV,
    dStep,
    ...dLayerP,
    ...gradientsP,
    ...(dMask === undefined ? [] : [dMask]),
  ];
});

type Quantizing = ReturnType<typeof quantizing>;

/** Where the mask of an image starts, or its gradient; 0 where there is none. */
function maskOf(mask: TensorInfo | undefined, image: number, offset: (tensor: TensorInfo) => number): number {
  if (mask === undefined) return 0;
  const [period, heads, tokens] = mask.shape as [number, number, number];
  return offset(mask) + 4 * (image % period) * heads * tokens * tokens;
}

import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { layout, linearProducts, linearScratch, ROWS_AT_A_TIME } from './branch.ts';
import type { Heap } from './heap.ts';
import { packedMaskRows } from './mask-rows.ts';
import { ownKernel } from './own-kernel.ts';

/** Whole images at a time. */
const imagesAtATime = (batch: number, tokens: number): number =>
  Math.min(batch, Math.max(1, Math.floor(ROWS_AT_A_TIME / tokens)));

/**
 * x [B, N, C], LayerNorm [C], layers [3 C, C] and [C, C], mask or none [R, H, N, N], R a divisor of B; eps, heads, scale, keep ->
 * x + out(attention(in(LayerNorm(x)))), and with keep = 1 each row's mean and 1 / sqrt(variance + eps), qkv [B, N, 3 C], the attention's result [B, N, C] and its
 * probabilities [B, H, N, N].
 */
export const attentionBlockKernel = ownKernel<
  'x' | 'weight' | 'bias' | 'weightIn' | 'biasIn' | 'weightOut' | 'biasOut',
  'mask'
>('AttentionBlock', (given, { attrs, heap, make }) => {
  const { x, weight, bias, weightIn, biasIn, weightOut, biasOut, mask } = given;
  const [batch, tokens, channels] = x.shape as [number, number, number];
  const heads = attrs['heads']!;
  const size = channels / heads;
  const keeps = attrs['keep'] === 1;
  const rows = batch * tokens;
  const y = make(x.shape);
  const kept = keeps
    ? [
        make([rows]),
        make([rows]),
        make([rows, 3 * channels]),
        make(x.shape),
        make([batch, heads, tokens, tokens]),
      ]
    : [];
  const { kernels, offset, withScratch } = heap;
  const images = imagesAtATime(batch, tokens);
  const most = images * tokens;
  const square = tokens * tokens;
  const sizes = [
    most * channels,
    ...(keeps ? [] : [most, most, 3 * most * channels, most * channels, images * heads * square]),
  ];
  const scratchBytes = Math.max(
    linearScratch(heap, most, [3 * channels, channels], [channels, channels]),
    kernels.attentionScratch(tokens, tokens, size, size),
  );
  withScratch(layout(0, ...sizes).at(-1)! + scratchBytes, (scratch) => {
    const [normal, ...rest] = layout(scratch, ...sizes) as [number, ...number[]];
    const products = rest.at(-1)!;
    const { forward } = linearProducts(heap, products);
    const maskOf = masks(heap, mask, batch, heads, tokens);
    for (let image = 0; image < batch; image += images) {
      const here = Math.min(images, batch - image);
      const count = here * tokens;
      const at = (tensor: typeof x, columns: number): number => offset(tensor) + 4 * image * tokens * columns;
      const [mean, inverse, qkv, attended, p] = (
        keeps
          ? [1, 1, 3 * channels, channels, heads * tokens].map((columns, i) => at(kept[i]!, columns))
          : rest
      ) as [number, number, number, number, number];
      kernels.layerNorm(
        count,
        channels,
        at(x, channels),
        offset(weight),
        offset(bias),
        attrs['eps']!,
        normal,
        mean,
        inverse,
      );
      forward(count, 3 * channels, channels, normal, offset(weightIn), qkv, { bias: offset(biasIn) });
      for (let i = 0; i < here; i++) {
        for (let h = 0; h < heads; h++) {
          const q = qkv + 4 * (3 * i * tokens * channels + h * size);
          kernels.attention(
            tokens,
            tokens,
            size,
            size,
            attrs['scale']!,
            q,
            12 * channels,
            q + 4 * channels,
            12 * channels,
            q + 8 * channels,
            12 * channels,
            ...maskOf(image + i, h),
            p + 4 * (i * heads + h) * square,
            attended + 4 * (i * tokens * channels + h * size),
            4 * channels,
            products,
          );
        }
      }
      forward(count, channels, channels, attended, offset(weightOut), at(y, channels), {
        from: at(x, channels),
        bias: offset(biasOut),
      });
    }
  });
  return [y, ...kept];
});

/** dy and x [B, N, C], the weights, mask and what `AttentionBlock` kept; eps, heads, scale -> the gradients of x, the six parameters and the mask. */
export const attentionBlockGradientKernel = ownKernel<
  'dy' | 'x' | 'weight' | 'bias' | 'weightIn' | 'weightOut' | 'mean' | 'inverse' | 'qkv' | 'attended' | 'p',
  'mask'
>('AttentionBlockGradient', (given, { attrs, heap, make }) => {
  const { dy, x, weight, bias, weightIn, weightOut, mean, inverse, qkv, attended, p, mask } = given;
  const [batch, tokens, channels] = x.shape as [number, number, number];
  const heads = attrs['heads']!;
  const size = channels / heads;
  const dx = make(x.shape);
  const shapes = [
    [channels],
    [channels],
    [3 * channels, channels],
    [3 * channels],
    [channels, channels],
    [channels],
  ];
  const gradients = shapes.map((shape) => make(shape));
  const dMasks = mask === undefined ? [] : [make(mask.shape)];
  const { kernels, offset, withScratch } = heap;
  for (const dMask of dMasks) kernels.clear(offset(dMask), 4 * util.sizeFromShape(dMask.shape));
  const images = imagesAtATime(batch, tokens);
  const most = images * tokens;
  const square = tokens * tokens;
  const sizes = [3 * most * channels, most * channels, 2 * most];
  const scratchBytes = Math.max(
    linearScratch(heap, most, [3 * channels, channels], [channels, channels]),
    kernels.attentionScratch(tokens, tokens, size, size),
  );
  withScratch(layout(0, ...sizes).at(-1)! + scratchBytes, (scratch) => {
    const [dqkv, rowsOfC, unused, products] = layout(scratch, ...sizes) as [number, number, number, number];
    const { input, parameters } = linearProducts(heap, products);
    const dMaskOf = masks(heap, dMasks[0], batch, heads, tokens);
    const [dWeight, dBias, ...layers] = gradients.map(offset) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let image = 0; image < batch; image += images) {
      const here = Math.min(images, batch - image);
      const count = here * tokens;
      const adds = image > 0;
      const at = (tensor: typeof x, columns: number): number => offset(tensor) + 4 * image * tokens * columns;
      const dyHere = at(dy, channels);
      parameters(count, channels, channels, dyHere, at(attended, channels), [layers[2], layers[3]], adds);
      input(count, channels, channels, dyHere, offset(weightOut), rowsOfC);
      for (let i = 0; i < here; i++) {
        for (let h = 0; h < heads; h++) {
          const inner = 4 * (3 * i * tokens * channels + h * size);
          const q = at(qkv, 3 * channels) + inner;
          const dq = dqkv + inner;
          const step = 12 * channels;
          kernels.attentionGradient(
            tokens,
            tokens,
            size,
            size,
            attrs['scale']!,
            rowsOfC + 4 * (i * tokens * channels + h * size),
            4 * channels,
            q,
            step,
            q + 4 * channels,
            step,
            q + 8 * channels,
            step,
            at(p, heads * tokens) + 4 * (i * heads + h) * square,
            dq,
            step,
            dq + 4 * channels,
            step,
            dq + 8 * channels,
            step,
            ...dMaskOf(image + i, h),
            products,
          );
        }
      }
      kernels.layerNorm(
        count,
        channels,
        at(x, channels),
        offset(weight),
        offset(bias),
        attrs['eps']!,
        rowsOfC,
        unused,
        unused + 4 * most,
      );
      parameters(count, 3 * channels, channels, dqkv, rowsOfC, [layers[0], layers[1]], adds);
      input(count, 3 * channels, channels, dqkv, offset(weightIn), rowsOfC);
      kernels.layerNormGradient(
        count,
        channels,
        rowsOfC,
        at(x, channels),
        offset(weight),
        at(mean, 1),
        at(inverse, 1),
        dyHere,
        at(dx, channels),
        dWeight,
        dBias,
        adds ? 1 : 0,
      );
    }
  });
  return [dx, ...gradients, ...dMasks];
});

/** Where a mask, or its gradient, has the scores of a head of an image, and how far apart its rows are; 0 for none. */
function masks(
  { offset }: Heap,
  mask: TensorInfo | undefined,
  batch: number,
  heads: number,
  tokens: number,
): (image: number, head: number) => readonly [start: number, step: number] {
  if (mask === undefined) return () => [0, 0];
  const { starts, step } = packedMaskRows(mask, batch, heads, tokens);
  return (image, head) => [offset(mask) + starts[image * heads + head]!, step];
}

import type { TensorInfo } from '@tensorflow/tfjs-core';
import { layout, linearProducts, linearScratch, rowsOf } from './branch.ts';
import { ACTIVATION } from './kernels.ts';
import { ownKernel } from './own-kernel.ts';
import { quantizer, quantizeWeight, quantizing, rowsOfTurns } from './quantized-layer.ts';

type Tensors = Readonly<Record<string, TensorInfo>>;
type Attributes = Readonly<Record<string, number>>;

/** Sizes and quantizers of both layers, from x [..., in] and the second weight [out, D]. */
function layersOf(x: TensorInfo, weight2: TensorInfo, tensors: Tensors, attrs: Attributes) {
  const { rows, channels } = rowsOf(x);
  const [outputs, width] = weight2.shape as [number, number];
  const first = quantizer(tensors, attrs, '1');
  const second = quantizer(tensors, attrs, '2');
  const most = rowsOfTurns(rows, 1, [
    { ...first, width: channels },
    { ...second, width },
  ]);
  return { rows, most, channels, width, outputs, first, second };
}

/**
 * x [..., in], layers [D, in] and [out, D] with their LSQ quantizers (step, before, after; inner, low, high) and levels of StatsQ,
 * residual [..., out] or none; keep -> residual + second(GELU(first(x))), and with keep = 1 both quantized weights, the GELU's
 * values and its slopes [..., D].
 */
export const quantizedMlpKernel = ownKernel<'x' | 'weight1' | 'bias1' | 'weight2' | 'bias2', 'residual'>(
  'QuantizedMlp',
  (given, { attrs, heap, make }) => {
    const { x, weight1, bias1, weight2, bias2, residual } = given;
    const layers = layersOf(x, weight2, given as Tensors, attrs);
    const { rows, most, channels, width, outputs } = layers;
    const leading = x.shape.slice(0, -1);
    const y = make([...leading, outputs]);
    const keeps = attrs['keep'] === 1;
    const wide = [...leading, width];
    const kept = keeps ? [make(weight1.shape), make(weight2.shape), make(wide), make(wide)] : [];
    const sizes = [
      most * channels,
      most * width,
      ...(keeps ? [] : [width * channels, outputs * width, most * width]),
    ];
    const products = linearScratch(heap, most, [width, channels], [outputs, width]);
    const { offset, withScratch } = heap;
    withScratch(layout(0, ...sizes).at(-1)! + products, (scratch) => {
      const [xq, hq, ...rest] = layout(scratch, ...sizes) as [number, number, ...number[]];
      const { forward } = linearProducts(heap, rest.at(-1)!);
      const [wq1, wq2, hidden, slope] = (keeps ? kept.map(offset) : [...rest.slice(0, 3), 0]) as [
        number,
        number,
        number,
        number,
      ];
      quantizeWeight(heap, weight1, attrs['levels1']!, wq1);
      quantizeWeight(heap, weight2, attrs['levels2']!, wq2);
      const first = quantizing(heap, layers.first);
      const second = quantizing(heap, layers.second);
      for (let row = 0; row < rows; row += most) {
        const count = Math.min(most, rows - row);
        const at = (start: number, columns: number): number => start && start + 4 * row * columns;
        const hiddenHere = keeps ? at(hidden, width) : hidden;
        first.forward(count * channels, at(offset(x), channels), xq);
        forward(count, width, channels, xq, wq1, hiddenHere, {
          bias: offset(bias1),
          activation: ACTIVATION.gelu,
          other: at(slope, width),
        });
        second.forward(count * width, hiddenHere, hq);
        forward(count, outputs, width, hq, wq2, at(offset(y), outputs), {
          from: residual === undefined ? 0 : at(offset(residual), outputs),
          bias: offset(bias2),
        });
      }
    });
    return [y, ...kept];
  },
);

/**
 * dy [..., out], x, the quantizers' parameters and what `QuantizedMlp` kept -> the gradients of x, and of weight, bias, step, before
 * and after of both layers.
 */
export const quantizedMlpGradientKernel = ownKernel<
  'dy' | 'x' | 'quantized1' | 'quantized2' | 'hidden' | 'slope'
>('QuantizedMlpGradient', (given, { attrs, heap, make }) => {
  const { dy, x, quantized1, quantized2, hidden, slope } = given;
  const layers = layersOf(x, quantized2, given as Tensors, attrs);
  const { rows, most, channels, width, outputs } = layers;
  const gradientsOf = (weight: TensorInfo, { step, before, after }: typeof layers.first): TensorInfo[] =>
    [weight.shape, [weight.shape[0]!], step.shape, before.shape, after.shape].map((shape) => make(shape));
  const dx = make(x.shape);
  const gradients1 = gradientsOf(quantized1, layers.first);
  const gradients2 = gradientsOf(quantized2, layers.second);
  const sizes = [most * channels, most * width, most * width];
  const scratchBytes = linearScratch(heap, most, [width, channels], [outputs, width]);
  const { offset, withScratch } = heap;
  withScratch(layout(0, ...sizes).at(-1)! + scratchBytes, (scratch) => {
    const [xq, hq, dHidden, products] = layout(scratch, ...sizes) as [number, number, number, number];
    const { input, parameters } = linearProducts(heap, products);
    const [dLayer1, dLayer2] = [gradients1, gradients2].map((of) => of.slice(0, 2).map(offset)) as [
      [number, number],
      [number, number],
    ];
    const first = quantizing(heap, layers.first);
    const second = quantizing(heap, layers.second);
    for (let row = 0; row < rows; row += most) {
      const count = Math.min(most, rows - row);
      const adds = row > 0;
      const at = (tensor: TensorInfo, columns: number): number => offset(tensor) + 4 * row * columns;
      const [dyHere, dxHere] = [at(dy, outputs), at(dx, channels)];
      const size = count * width;
      input(count, outputs, width, dyHere, offset(quantized2), dHidden);
      second.gradient(
        size,
        dHidden,
        at(hidden, width),
        at(slope, width),
        dHidden,
        hq,
        gradients2.slice(2),
        adds,
      );
      parameters(count, outputs, width, dyHere, hq, dLayer2, adds);
      input(count, width, channels, dHidden, offset(quantized1), dxHere);
      first.gradient(count * channels, dxHere, at(x, channels), 0, dxHere, xq, gradients1.slice(2), adds);
      parameters(count, width, channels, dHidden, xq, dLayer1, adds);
    }
  });
  return [dx, ...gradients1, ...gradients2];
});

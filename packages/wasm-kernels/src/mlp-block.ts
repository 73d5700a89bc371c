import { layout, linearProducts, linearScratch, ROWS_AT_A_TIME, rowsOf } from './branch.ts';
import { ACTIVATION } from './kernels.ts';
import { ownKernel } from './own-kernel.ts';

type Parameters = 'weight' | 'bias' | 'weight1' | 'bias1' | 'weight2' | 'bias2';

/**
 * x [..., C], LayerNorm [C], layers [D, C] and [C, D]; eps, keep -> x + second(GELU(first(LayerNorm(x)))), and with keep = 1
 * each row's mean and 1 / sqrt(variance + eps), the GELU's values and its slopes [..., D].
 */
export const mlpBlockKernel = ownKernel<'x' | Parameters>('MlpBlock', (given, { attrs, heap, make }) => {
  const { x, weight, bias, weight1, bias1, weight2, bias2 } = given;
  const { rows, channels } = rowsOf(x);
  const width = bias1.shape[0]!;
  const keeps = attrs['keep'] === 1;
  const y = make(x.shape);
  const kept = keeps ? [make([rows]), make([rows]), make([rows, width]), make([rows, width])] : [];
  const { kernels, offset, withScratch } = heap;
  const most = Math.min(rows, ROWS_AT_A_TIME);
  const sizes = [most * channels, ...(keeps ? [] : [most, most, most * width])];
  const bytes = layout(0, ...sizes).at(-1)! + linearScratch(heap, most, [width, channels], [channels, width]);
  withScratch(bytes, (scratch) => {
    const [normal, ...rest] = layout(scratch, ...sizes) as [number, ...number[]];
    const { forward } = linearProducts(heap, rest.at(-1)!);
    for (let row = 0; row < rows; row += most) {
      const count = Math.min(most, rows - row);
      const at = (tensor: typeof x, columns: number): number => offset(tensor) + 4 * row * columns;
      const [mean, inverse, active] = (
        keeps ? [at(kept[0]!, 1), at(kept[1]!, 1), at(kept[2]!, width)] : rest
      ) as [number, number, number];
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
      forward(count, width, channels, normal, offset(weight1), active, {
        bias: offset(bias1),
        activation: ACTIVATION.gelu,
        other: keeps ? at(kept[3]!, width) : 0,
      });
      forward(count, channels, width, active, offset(weight2), at(y, channels), {
        from: at(x, channels),
        bias: offset(bias2),
      });
    }
  });
  return [y, ...kept];
});

/** dy and x [..., C], the weights and what `MlpBlock` kept; eps -> the gradients of x and the six parameters. */
export const mlpBlockGradientKernel = ownKernel<
  'dy' | 'x' | 'weight' | 'bias' | 'weight1' | 'weight2' | 'mean' | 'inverse' | 'active' | 'slope'
>('MlpBlockGradient', (given, { attrs, heap, make }) => {
  const { dy, x, weight, bias, weight1, weight2, mean, inverse, active, slope } = given;
  const { rows, channels } = rowsOf(x);
  const width = weight1.shape[0]!;
  const dx = make(x.shape);
  const shapes = [[channels], [channels], [width, channels], [width], [channels, width], [channels]];
  const gradients = shapes.map((shape) => make(shape));
  const { kernels, offset, withScratch } = heap;
  const most = Math.min(rows, ROWS_AT_A_TIME);
  const sizes = [most * width, most * channels, 2 * most];
  const bytes = layout(0, ...sizes).at(-1)! + linearScratch(heap, most, [width, channels], [channels, width]);
  withScratch(bytes, (scratch) => {
    const [dHidden, normal, unused, products] = layout(scratch, ...sizes) as [number, number, number, number];
    const { input, parameters } = linearProducts(heap, products);
    const [dWeight, dBias, ...layers] = gradients.map(offset) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    for (let row = 0; row < rows; row += most) {
      const count = Math.min(most, rows - row);
      const adds = row > 0;
      const at = (tensor: typeof x, columns: number): number => offset(tensor) + 4 * row * columns;
      const dyHere = at(dy, channels);
      parameters(count, channels, width, dyHere, at(active, width), [layers[2], layers[3]], adds);
      input(count, channels, width, dyHere, offset(weight2), dHidden, {
        activation: ACTIVATION.times,
        other: at(slope, width),
      });
      kernels.layerNorm(
        count,
        channels,
        at(x, channels),
        offset(weight),
        offset(bias),
        attrs['eps']!,
        normal,
        unused,
        unused + 4 * most,
      );
      parameters(count, width, channels, dHidden, normal, [layers[0], layers[1]], adds);
      input(count, width, channels, dHidden, offset(weight1), normal);
      kernels.layerNormGradient(
        count,
        channels,
        normal,
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
  return [dx, ...gradients];
});

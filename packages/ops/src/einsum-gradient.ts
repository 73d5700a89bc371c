import { broadcastTo, einsum, registerGradient, reshape, sum, type Tensor } from '@tensorflow/tfjs-core';

/** Registers the gradient of `tf.einsum`, which tfjs-core lacks: that of each operand is an einsum of dy and the other one. */
export function registerEinsumGradient(): void {
  registerGradient({
    kernelName: 'Einsum',
    saveAllInputs: true,
    gradFunc: (dy, saved, attrs) => {
      const { equation } = attrs as unknown as { equation: string };
      const [inputs, output] = equation.replace(/\s/g, '').split('->') as [string, string];
      const terms = inputs.split(',');
      return Object.fromEntries(
        saved.map((operand, i) => {
          const other = 1 - i;
          const given = { labels: output, value: dy as Tensor };
          const factor = terms[other] && { labels: terms[other], value: saved[other]! };
          return [i, () => gradient(terms[i]!, operand.shape, given, factor || undefined)];
        }),
      );
    },
  });
}

/** A tensor and the label of each of its axes. */
interface Labelled {
  readonly labels: string;
  readonly value: Tensor;
}

/** The gradient of an operand with these labels and this shape. */
function gradient(labels: string, shape: number[], dy: Labelled, other: Labelled | undefined): Tensor {
  // Labels that only the other operand has are summed first: tfjs's cpu backend loses dy where that shares none that is summed.
  const factor = other && without(other, (label) => !labels.includes(label) && !dy.labels.includes(label));
  const present = [...labels].filter((label) => dy.labels.includes(label) || factor?.labels.includes(label));
  const result =
    factor === undefined
      ? einsum(`${dy.labels}->${present.join('')}`, dy.value)
      : einsum(`${dy.labels},${factor.labels}->${present.join('')}`, dy.value, factor.value);
  // A label of this operand alone was summed: every element along it gets the same.
  const kept = shape.map((size, axis) => (present.includes(labels[axis]!) ? size : 1));
  return broadcastTo(reshape(result, kept), shape);
}

/** Sums the axes whose label `isSummed`. */
function without({ labels, value }: Labelled, isSummed: (label: string) => boolean): Labelled {
  const axes = [...labels].flatMap((label, axis) => (isSummed(label) ? [axis] : []));
  if (axes.length === 0) return { labels, value };
  return { labels: [...labels].filter((label) => !isSummed(label)).join(''), value: sum(value, axes) };
}

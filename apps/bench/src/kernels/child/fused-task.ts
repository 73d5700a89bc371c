import { crossEntropy, gelu, layerNorm, lsq, softmax } from '@proj/ops';
import { adamw } from '@proj/trainer';
import { vitConfigs, vitParameters } from '@proj/vit/forward';
import { clone, dispose, fill, type Tensor, tensor1d, tidy, valueAndGrads } from '@tensorflow/tfjs-core';
import type { Task } from '../tasks.ts';
import type { Prepared } from './answer.ts';
import { beginning, filled } from './inputs.ts';

/** Tokens of an image, each with a step of its own in the quantizer; rows are whole images. */
const TOKENS = 65;

/** Forward and backward of one operation of `@proj/ops`: our kernels where they are installed, else its composed form. */
export function fusedTask({ operation, shape }: Task & { kind: 'fused' }): Prepared {
  if (operation === 'adamw') return adamwTask();
  const [x, dy] = [filled(shape, 0, 2), filled(shape, 1)];
  const width = shape.at(-1)!;
  if (operation === 'gelu') return bothWays((x) => gelu(x!), [x], dy);
  if (operation === 'softmax') return bothWays((x) => softmax(x!), [x], dy);
  if (operation === 'layerNorm') {
    return bothWays(
      (x, weight, bias) => layerNorm(x!, weight!, bias!, 1e-6),
      [x, filled([width], 2), filled([width], 3)],
      dy,
    );
  }
  if (operation === 'quantizer') {
    // One step a token, 2 bits, as OFQ quantizes the input of a linear layer.
    const spec = { inner: width, low: -2, high: 1, gradientScale: 0.01 };
    return bothWays(
      (x, step, before, after) => lsq(x!, step!, spec, { before: before!, after: after! }),
      [x, fill([TOKENS], 0.4), filled([width], 2, 0.1), filled([width], 3, 0.1)],
      dy,
    );
  }
  dy.dispose();
  const targets = tensor1d(
    Int32Array.from({ length: shape[0]! }, (_, row) => row % width),
    'int32',
  );
  return bothWays((logits) => crossEntropy(logits!, targets), [x], undefined, [targets]);
}

function bothWays(
  operation: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor[],
  dy: Tensor | undefined,
  others: readonly Tensor[] = [],
): Prepared {
  const compute = valueAndGrads(operation);
  return {
    run() {
      const { value, grads } = compute(inputs, dy);
      dispose([value, ...grads]);
    },
    check: () =>
      beginning(
        tidy(() => {
          const { grads } = compute(inputs, dy);
          return grads[0]!;
        }),
      ),
    release: () => dispose([...inputs, ...others, ...(dy === undefined ? [] : [dy])]),
  };
}

/** A step of AdamW on the parameters of DeiT-T (152 tensors, 5.7 million values). */
function adamwTask(): Prepared {
  const optimizer = adamw({ learningRate: 1e-5, weightDecay: 0.05 });
  const specs = vitParameters(vitConfigs.deit_tiny_patch16_224);
  let parameters: ReadonlyMap<string, Tensor> = new Map(
    specs.map(({ name, shape }, i) => [name, filled(shape, i)]),
  );
  const gradients = new Map(specs.map(({ name, shape }, i) => [name, filled(shape, i + 1)]));
  let state = optimizer.init(parameters);
  const step = () => {
    // An optimizer consumes the gradients; clones share their data.
    const given = new Map([...gradients].map(([name, gradient]) => [name, clone(gradient)]));
    ({ parameters, state } = optimizer.step(parameters, given, state));
  };
  return {
    run: step,
    check() {
      step();
      return beginning(clone(parameters.get('pos_embed')!));
    },
    release() {
      dispose([...parameters.values(), ...gradients.values()]);
      for (const moments of state.moments.values()) dispose([...moments.values()]);
    },
  };
}

import { clone, customGrad, type Tensor, where, zerosLike } from '@tensorflow/tfjs-core';
import { type FreezeSpec, freezeMask, requireMatrix, requireSpec } from './confidence.ts';

/**
 * `weight` itself, with a gradient that is 0 where CGA would freeze it: dw = dy where the confidence is within the boundary range.
 *
 * For a weight that is computed of parameters, as QKR's W_qk = W_qᵀ W_k: pass it through this between the product and its quantizer
 * (`merged` of `@proj/qkr`'s attention). Confident entries then drive W_q and W_k no more. They are not frozen exactly: every entry
 * of W_q moves a whole row of the product, so that the others, weight decay and momentum move confident entries too.
 *
 * Not in the reference code, where CGA on the product changes neither values nor gradients.
 *
 * @param weight float32 [out, in]
 * @throws {CgaError} CGA_WEIGHT_INVALID, CGA_OPTION_INVALID.
 */
export function frozenGradient(weight: Tensor, spec: FreezeSpec): Tensor {
  requireMatrix('weight', weight);
  requireSpec(spec);
  const operation = customGrad((...given) => {
    const [weight, save] = given as unknown as [Tensor, (tensors: Tensor[]) => void];
    save([weight]);
    return {
      value: clone(weight),
      gradFunc: (dy: Tensor, [weight]: Tensor[]) => where(freezeMask(weight!, spec).mask, zerosLike(dy), dy),
    };
  });
  return operation(weight);
}

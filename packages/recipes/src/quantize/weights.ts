import { mergeQueryKey, type NamedTensors } from '@proj/ops';
import type { LsqQuantizer, Quantizer } from '@proj/quant-stats';
import type { SwinConfig, VitConfig } from '@proj/vit';
import { packedWeights, type QuantizedDesign } from '@proj/vit/quantized';
import { clone, type Tensor } from '@tensorflow/tfjs-core';

/** A weight inside the blocks of a quantized model, whose codes may oscillate. */
export interface BlockWeight {
  /** `blocks.0.mlp.fc1.weight`; `blocks.0.attn.qk` of QKR's product, which is no parameter. */
  readonly name: string;
  readonly quantizer: Quantizer;
  /** Name of LSQ's steps. */
  readonly step: string | undefined;
  /** Whether it is a product of two parameters. */
  readonly merged: boolean;
  /** Its latent values [out, in], the caller's to dispose. */
  latent(parameters: NamedTensors): Tensor;
}

/** A weight that is a parameter and has LSQ's steps. */
export interface LsqWeight extends BlockWeight {
  readonly quantizer: LsqQuantizer;
  readonly step: string;
}

/**
 * The quantized weights inside the blocks, in the order of the parameters. The ends of the model are left out: the levels of their 8 bits
 * are so fine that changes of codes tell nothing.
 */
export function blockWeights(config: VitConfig | SwinConfig, design: QuantizedDesign): BlockWeight[] {
  return packedWeights(config, design)
    .filter(({ layer }) => /\.(attn|mlp|reduction)(\.|$)/.test(layer))
    .map(({ layer, quantizer, step, heads }) => {
      const name = heads === undefined ? `${layer}.weight` : layer;
      const factor = (which: 'q' | 'k'): string => `${layer.slice(0, -'qk'.length)}${which}.weight`;
      return {
        name,
        quantizer,
        step,
        merged: heads !== undefined,
        latent: (parameters) =>
          heads === undefined
            ? clone(parameters.get(name)!)
            : mergeQueryKey(parameters.get(factor('q'))!, parameters.get(factor('k'))!, heads),
      };
    });
}

/** Those with LSQ or LSQ+ that are parameters, which QKR's product is not. */
export function lsqWeights(config: VitConfig | SwinConfig, design: QuantizedDesign): LsqWeight[] {
  return blockWeights(config, design).filter(
    (weight): weight is LsqWeight => weight.quantizer.method === 'lsq' && !weight.merged,
  );
}

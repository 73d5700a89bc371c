import type { ConvSpec, HeadSpec, MaxPoolSpec, SubsampleSpec } from './layers.ts';

/** A residual block: x goes through `convs` and meets itself again, projected or subsampled or as it is, before the last ReLU. */
export interface Block {
  readonly kind: 'block';
  readonly convs: readonly ConvSpec[];
  readonly projection: ConvSpec | undefined;
  readonly subsample: SubsampleSpec | undefined;
}

export type Step =
  | { readonly kind: 'conv'; readonly at: ConvSpec }
  | { readonly kind: 'maxPool'; readonly at: MaxPoolSpec }
  | Block;

/** A model laid out: the forward pass, the parameters' names and the units of depth all follow from it. */
export interface Network {
  readonly steps: readonly Step[];
  readonly head: HeadSpec;
}

/** Height and width after a convolution or a pool: whole windows only, as PyTorch counts them. */
export function sideAfter(
  side: number,
  { kernel, stride, padding }: { readonly kernel: number; readonly stride: number; readonly padding: number },
): number {
  return Math.floor((side + 2 * padding - kernel) / stride) + 1;
}

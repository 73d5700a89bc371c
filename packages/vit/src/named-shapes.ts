/** A parameter's name in timm or torchvision and its shape in PyTorch's layout. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
}

/** Anything with named shapes: a state dict, or live tensors. */
export type NamedShapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

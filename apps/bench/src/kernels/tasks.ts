/** One matrix product C [batch, m, n] = A [batch, m, k] B [batch, k, n], an operand stored transposed where so flagged. */
export interface Product {
  readonly batch: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** B is a weight, which an engine may prepare once; else it is an activation, new at each call. */
  readonly weight: boolean;
}

export const fusedOperations = [
  'layerNorm',
  'gelu',
  'softmax',
  'quantizer',
  'crossEntropy',
  'adamw',
] as const;
export type FusedOperation = (typeof fusedOperations)[number];

/** What an engine is asked to do again and again; the same on every engine, with the same inputs. */
export type Task =
  | { readonly kind: 'peak'; readonly operation: 'mul-add' | 'fma' }
  | ({ readonly kind: 'product' } & Product)
  /** Forward and backward of one operation on [rows, width]; of AdamW, a step of all parameters of DeiT-T. */
  | { readonly kind: 'fused'; readonly operation: FusedOperation; readonly shape: readonly number[] }
  /** Images to logits. `model` names a configuration of `@proj/vit`; its weights are drawn with `WEIGHT_SEED`. */
  | { readonly kind: 'inference'; readonly model: string; readonly batch: number }
  /** Forward, backward and AdamW step; with `bits`, of a QKR model that quantizes weights and activations so. */
  | {
      readonly kind: 'training';
      readonly model: string;
      readonly batch: number;
      readonly bits?: 2 | 3 | 4;
    }
  /**
   * Forward and backward of one quantized self-attention, of the shape that `attn` has in an architecture of `@proj/vit`; a batch is of images
   * or, in a Swin Transformer, of windows.
   */
  | {
      readonly kind: 'attention';
      readonly architecture: string;
      readonly attn: string;
      readonly heads: number;
      readonly batch: number;
      readonly bits: 2 | 3 | 4;
      readonly attention: 'plain' | 'qkr';
    }
  /** Forward, backward and SGD step of a VGG-11 for 32 px (Simonyan and Zisserman 2015, configuration A, one linear layer). */
  | { readonly kind: 'convolution'; readonly batch: number; readonly widths: readonly (number | 'pool')[] };

/** Every engine has the same weights. */
export const WEIGHT_SEED = 0;

/** What an engine is told, JSON: a line to a process, a message to a worker. Several tasks can be prepared at once, each in a slot. */
export type Request =
  | {
      readonly do: 'prepare';
      readonly slot: string;
      readonly task: Task;
      /** When a task counts as warm, whether or not it still gets faster. */
      readonly warmUpSeconds: number;
    }
  | { readonly do: 'run'; readonly slot: string; readonly calls: number }
  | { readonly do: 'release'; readonly slot: string };

/** The engine's answer, JSON. Its first line, before any request, says what it is. */
export type Reply =
  | { readonly about: string }
  /**
   * Ready and warm. `check` is the beginning of the result, to be compared between engines; `peakBytes` what tensors took at most during a
   * call, of a task that counts it.
   */
  | { readonly secondsPerCall: number; readonly check: readonly number[]; readonly peakBytes?: number }
  | { readonly unsupported: string }
  | { readonly failed: string }
  /** CPU time of the whole process and wall time, in seconds, of all calls together. */
  | { readonly cpu: number; readonly wall: number }
  /** Released; `heapBytes` is what the engine's WebAssembly memory has grown to, where it has one. */
  | { readonly heapBytes: number | null };

/** The deterministic input that every engine computes for itself: a multiple of 1/1024 in [-1, 1). */
function inputValue(index: number, seed: number): number {
  return (((index + seed) * 7919) % 2039) / 1024 - 1;
}

/** `size` values of the input, `scale` times as large. */
export function inputValues(size: number, seed: number, scale = 1): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: size }, (_, index) => scale * inputValue(index, seed));
}

/** How many elements of the result are compared between engines. */
export const CHECKED = 16;

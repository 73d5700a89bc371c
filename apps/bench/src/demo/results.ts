/** Accuracies are top-1 in percent, on the test split unless said otherwise. */
interface Accuracy {
  readonly clean: number;
  readonly corrupted: number;
}

export interface ModelRow {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly trainSeconds: number;
  /** Training loss at every tenth of a pass over the data, in passes. */
  readonly losses: readonly { readonly x: number; readonly y: number }[];
}

export interface CorruptionResult {
  readonly corruption: string;
  readonly severity: number;
  readonly signature: {
    readonly file: string;
    readonly id: string;
    readonly bytes: number;
    readonly units: number;
    readonly bits: number;
    readonly alpha: number;
    /** Bytes of the whole model file over bytes of the signature file. */
    readonly ratio: number;
  };
  /** On the validation split: which number of units and which strength were tried. */
  readonly tried: readonly (Accuracy & { readonly units: number; readonly alpha: number })[];
  readonly standard: Accuracy;
  readonly patched: Accuracy;
  readonly robust: Accuracy;
  /** The share of the robust model's gain on corrupted images that the patch gives: (patched - standard) / (robust - standard). Null where robust gains nothing. */
  readonly shareOfGain: number | null;
  readonly sweep: readonly (Accuracy & { readonly alpha: number })[];
  /** ||robust - standard|| / ||standard|| for every weight tensor. */
  readonly relativeDifference: readonly { readonly name: string; readonly value: number }[];
  readonly gallery: readonly GalleryImage[];
}

interface GalleryImage {
  readonly png: string;
  readonly label: string;
  readonly before: string;
  readonly after: string;
}

/** The standard model with few bits; accuracies of the packed file, read back. */
export interface QuantizedRow {
  /** `lsq` or `ofq`. */
  readonly name: string;
  readonly file: string;
  /** `stateSha256` of the trained parameters. */
  readonly sha256: string;
  /** Of the file. */
  readonly bytes: number;
  readonly trainSeconds: number;
  readonly top1: number;
  /** With the float model, in percent of the test images. */
  readonly agreement: number;
  /** On validation images, by training step. */
  readonly accuracy: readonly { readonly x: number; readonly y: number }[];
  /** Weights of the blocks, in percent: whose moving average of oscillation is above the tracker's bound, by training step. */
  readonly oscillating: readonly { readonly x: number; readonly y: number }[];
}

export interface DemoResults {
  readonly schema: 'proj.demo/2';
  readonly command: string;
  readonly seed: number;
  readonly seconds: number;
  readonly machine: string;
  readonly model: { readonly name: string; readonly parameters: number };
  readonly data: {
    readonly source: string;
    readonly train: number;
    readonly validation: number;
    readonly test: number;
  };
  readonly models: readonly ModelRow[];
  readonly corruptions: readonly CorruptionResult[];
  /** All signatures applied together, each at its chosen strength times one factor chosen on validation. */
  readonly together: {
    readonly file: string;
    readonly factor: number;
    /** On the validation split; `corrupted` is the mean over the corruptions. */
    readonly tried: readonly (Accuracy & { readonly factor: number })[];
    readonly clean: number;
    readonly corrupted: readonly { readonly corruption: string; readonly accuracy: number }[];
  };
  readonly removal: {
    /** SHA-256 of the standard model's parameters, before any patch. */
    readonly before: string;
    readonly patched: string;
    /** After saving the patched file, opening it alone and removing every signature, in each order. */
    readonly after: readonly { readonly order: string; readonly sha256: string }[];
    readonly equal: boolean;
  };
  /** The standard model, quantized. */
  readonly quantized: {
    readonly bits: number;
    /** Of the float32 model: its file, and top-1 on clean test images. */
    readonly float: { readonly bytes: number; readonly top1: number };
    readonly models: readonly QuantizedRow[];
  };
}

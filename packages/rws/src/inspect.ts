import { product } from './floats.ts';
import { bitsForLevels } from './quantizer.ts';
import type { Projection, Signature } from './signature.ts';
import { signatureToBytes } from './signature-file.ts';

export interface SignatureSummary {
  readonly id: string;
  readonly about: Signature['about'];
  readonly projection: Projection;
  /** Bits a value; 32 for plain float32. */
  readonly bits: number;
  readonly levels: number | null;
  readonly k: number;
  readonly units: number;
  readonly tensors: number;
  readonly parameters: number;
  /** ||RWS||₂ over all tensors, before quantization. */
  readonly norm: number;
  /** Codes and scales (or float32 values) alone. */
  readonly payloadBytes: number;
  /** The whole `*.rws.safetensors` file. */
  readonly fileBytes: number;
  /** The standard model's tensors. */
  readonly modelBytes: number;
  readonly modelParameters: number;
  /** `modelBytes / fileBytes`, of one signature. */
  readonly compression: number;
  /** What `compression` refers to, to be printed with it. */
  readonly configuration: string;
}

/** Sums a signature up: what it covers, how large it is, and how that compares with a whole copy of the model. */
export function inspect(signature: Signature): SignatureSummary {
  const { id, about, projection, levels, k, units, tensors, model } = signature;
  const bits = levels === null ? 32 : bitsForLevels(levels);
  const parameters = tensors.reduce((sum, { shape }) => sum + product(shape), 0);
  const fileBytes = signatureToBytes(signature).length;
  const storage = levels === null ? 'float32' : `linear, ${levels} levels in ${bits} bits per value`;
  return {
    id,
    about,
    projection,
    bits,
    levels,
    k,
    units,
    tensors: tensors.length,
    parameters,
    norm: Math.hypot(...tensors.map((tensor) => tensor.norm)),
    payloadBytes: tensors.reduce((sum, { shape }) => sum + payloadBytes(product(shape), levels, bits), 0),
    fileBytes,
    modelBytes: model.bytes,
    modelParameters: model.parameters,
    compression: model.bytes / fileBytes,
    configuration: `one signature file (first ${k} of ${units} units, ${parameters} values, ${storage}) against all ${model.parameters} parameters of the model as stored`,
  };
}

function payloadBytes(count: number, levels: number | null, bits: number): number {
  return Math.ceil((count * bits) / 8) + (levels === null ? 0 : 8);
}

import type { BatchNormPolicy } from './batch-norm.ts';
import { RwsError } from './error.ts';
import { product } from './floats.ts';
import { bitsOf, describeQuantizer, type Quantizer } from './quantizer.ts';
import type { Projection, Signature } from './signature.ts';
import { signatureToBytes } from './signature-file.ts';
import { hashesEntry, signatureFileState, signatureState, statisticsEntry } from './signature-layout.ts';
import type { Structure } from './storage.ts';

export interface SignatureSummary {
  readonly id: string;
  readonly about: Signature['about'];
  readonly projection: Projection;
  readonly quantizer: Quantizer;
  readonly structure: Structure;
  readonly batchNorm: BatchNormPolicy;
  /** Bits a code; 32 for plain float32. */
  readonly bits: number;
  readonly k: number;
  readonly units: number;
  readonly tensors: number;
  /** Those of them that take the model's place instead of being added. */
  readonly replaced: number;
  readonly parameters: number;
  /** ||RWS||₂ over all tensors that are added, before quantization. */
  readonly norm: number;
  /** Codes, scales and float32 values before entropy coding. */
  readonly packedBytes: number;
  /** The same as it is in the file. */
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
  const { id, about, projection, quantizer, structure, batchNorm, k, units, tensors, model } = signature;
  const parameters = tensors.reduce((sum, { shape }) => sum + product(shape), 0);
  const fileBytes = signatureToBytes(signature).length;
  return {
    ...{ id, about, projection, quantizer, structure, batchNorm },
    bits: quantizer.scheme === 'none' ? 32 : bitsOf(quantizer),
    ...{ k, units },
    tensors: tensors.length,
    replaced: tensors.filter(({ apply }) => apply === 'replace').length,
    parameters,
    norm: Math.hypot(...tensors.filter(({ apply }) => apply === 'add').map((tensor) => tensor.norm)),
    packedBytes: bytesOf(signatureState(signature)),
    payloadBytes: bytesOf(signatureFileState(signature)),
    fileBytes,
    modelBytes: model.bytes,
    modelParameters: model.parameters,
    compression: model.bytes / fileBytes,
    configuration: `one signature file (${describe(signature, parameters)}) against all ${model.parameters} parameters of the model as stored`,
  };
}

/** Compression of a whole set: a robust model for each of `signatures`, and the standard one, as files or as signatures. */
export interface SystemCompression {
  /** (signatures + 1) · model bytes. */
  readonly fullBytes: number;
  /** Model bytes + the bytes of the signatures' files. */
  readonly bytes: number;
  readonly compression: number;
  readonly configuration: string;
}

/**
 * What a set of signatures of one model saves against keeping a robust copy of the model for each.
 *
 * @throws {RwsError} `RWS_SIGNATURES_DIFFER` for none, or for signatures of models of several sizes.
 */
export function systemCompression(signatures: readonly Signature[]): SystemCompression {
  const model = signatures[0]?.model;
  if (model === undefined || signatures.some((other) => other.model.bytes !== model.bytes)) {
    throw new RwsError(
      'RWS_SIGNATURES_DIFFER',
      `${signatures.length} signatures of models of ${[...new Set(signatures.map((one) => one.model.bytes))].join(', ') || 'no'} bytes: pass those of one model.`,
    );
  }
  const files = signatures.reduce((sum, signature) => sum + signatureToBytes(signature).length, 0);
  const fullBytes = (signatures.length + 1) * model.bytes;
  const bytes = model.bytes + files;
  return {
    ...{ fullBytes, bytes, compression: fullBytes / bytes },
    configuration: `the standard model and ${signatures.length} signature files against ${signatures.length + 1} whole models of ${model.parameters} parameters as stored`,
  };
}

function describe({ k, units, quantizer, structure, batchNorm, tensors }: Signature, values: number): string {
  const parts = [`first ${k} of ${units} units`, `${values} values`, describeQuantizer(quantizer)];
  if (structure.kind === 'sparse') parts.push(`density ${structure.density}`);
  if (structure.kind === 'low-rank') {
    parts.push(
      'rank' in structure ? `rank ${structure.rank}` : `ranks for ${structure.energy} of the energy`,
    );
  }
  if (tensors.some(({ role }) => role !== undefined)) parts.push(`batch norm ${batchNorm}`);
  return parts.join(', ');
}

function bytesOf(state: ReturnType<typeof signatureState>): number {
  let sum = 0;
  for (const [name, { bytes }] of state)
    if (name !== hashesEntry && name !== statisticsEntry) sum += bytes.length;
  return sum;
}

// Extract and describe
export type { Measurement, SignatureAbout } from './about.ts';
// Patch, scale, remove
export type { Application, TensorChange } from './delta.ts';
// Errors
export { type Mismatch, RwsError, type RwsErrorCode, SignatureMismatchError } from './error.ts';
export {
  type Extraction,
  type ExtractOptions,
  extract,
  type TensorDiagnostics,
  withAbout,
} from './extract.ts';
export { inspect, type SignatureSummary } from './inspect.ts';
export {
  type AppliedSignature,
  type PatchedModel,
  type PatchOptions,
  type PatchReport,
  patch,
  scale,
  unpatch,
} from './patch.ts';
export { isPatched, openPatched, patchedMetadata } from './patched-file.ts';
// The arithmetic by itself
export { type Rejection, reject } from './projection.ts';
export { dequantizationTable, type QuantizedValues, quantizeLinear } from './quantizer.ts';
// The signature and its file
export {
  dequantize,
  type Projection,
  type Signature,
  type SignatureContent,
  type SignatureTensor,
  type StoredValues,
} from './signature.ts';
export { isSignature, signatureFromBytes, signatureToBytes } from './signature-file.ts';
export { cosine, cosineSimilarity, relativeDifferences, type Similarity } from './similarity.ts';

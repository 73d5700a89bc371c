// Extract and describe
export {
  type Extraction,
  type ExtractOptions,
  extract,
  type TensorDiagnostics,
  truncate,
  withAbout,
} from './extract.ts';
export {
  asksForRecalibration,
  type BatchNormPolicy,
  type BatchNormRole,
  type BatchNormRoles,
  batchNormRoles,
} from './batch-norm.ts';
export type { Measurement, SignatureAbout } from './about.ts';
export { inspect, type SignatureSummary, type SystemCompression, systemCompression } from './inspect.ts';
export { type Accounted, type Accounting, type AccountingOptions, accounting } from './accounting.ts';
export {
  cosineMatrices,
  cosineSimilarity,
  type Similarity,
  type SimilarityMatrices,
} from './similarity.ts';
export { type Comparison, compareStates, type Difference, relativeDifferences } from './comparison.ts';

// The signature and its file
export {
  dequantize,
  type Fingerprints,
  type Projection,
  type Signature,
  type SignatureContent,
  type SignatureTensor,
} from './signature.ts';
export type { CodingQuantizer, Quantizer, Range } from './quantizer.ts';
export type { Form, PackedCodes, StoredValues, Stream, Structure } from './storage.ts';
export { isSignature, signatureFromBytes, signatureToBytes } from './signature-file.ts';

// Patch, scale, remove
export {
  type AppliedSignature,
  type PatchedModel,
  type PatchOptions,
  type PatchReport,
  patch,
  recompose,
  scale,
  unpatch,
} from './patch.ts';
export type { TensorChange } from './apply.ts';
export { type Application, firstUnits, type Strength } from './strength.ts';
export { type CompositionRule, ruleText } from './rule.ts';
export { type Conflict, conflicts, type PairConflict } from './conflicts.ts';
export { isPatched, openPatched, patchedMetadata } from './patched-file.ts';

// The arithmetic of the paper's script, for replication
export {
  type PaperPatch,
  type PaperPatchOptions,
  paperPatch,
  paperStatistics,
  selectLayers,
} from './paper.ts';

// Search, choose, transfer
export { type SearchOptions, type StrengthSearch, searchStrength, type Tried } from './search.ts';
export {
  type ChannelStatistics,
  type Choice,
  chooseSignature,
  meanEntropy,
  statisticsDistance,
} from './choose.ts';
export { type TensorTransfer, type TransferReport, transferReport } from './transfer.ts';

// Errors
export { type Mismatch, RwsError, type RwsErrorCode, SignatureMismatchError } from './error.ts';

// Models
export { type ExportOptions, exportVit } from './export-vit.ts';

// Graphs of one's own
export { type Attribute, type Dimension, OnnxGraph } from './graph.ts';

// Errors
export { OnnxError, type OnnxErrorCode } from './error.ts';

export type { NamedTensors } from './types.ts';

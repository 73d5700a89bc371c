export type { ImageDataset } from './dataset.ts';

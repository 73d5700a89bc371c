import type { VitConfig } from '@proj/vit/forward';
import { forwardFlop } from './model.ts';

/** What estimates are made from: measured with the reproducible kernels on one core of a machine of 2025. */
const flopPerSecond = 15e9;
/** A process, tfjs-wasm, and CIFAR from a pack. */
export const overheadSeconds = 3;

/** Images that an evaluation computes at once. */
export const evaluationBatch = 250;

/** Time that so many images take forward; a training step counts three times. */
export const passSeconds = (model: VitConfig, images: number): number =>
  (images * forwardFlop(model)) / flopPerSecond;

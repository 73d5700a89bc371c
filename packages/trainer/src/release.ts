import type { NamedTensors } from '@proj/ops';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';

/** Disposes the tensors of a map, except those that live on in another one. */
export function releaseTensors(tensors: NamedTensors, except: NamedTensors = new Map()): void {
  const kept = new Set<Tensor>(except.values());
  dispose([...tensors.values()].filter((tensor) => !kept.has(tensor)));
}

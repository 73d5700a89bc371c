import { initialStep, type LsqQuantizer } from '@proj/quant-stats';
import { keep, type Tensor } from '@tensorflow/tfjs-core';

/**
 * Called by a layer before it reads its quantizers' steps, with what finds those that they start with on the data at hand: one pass
 * over a model then starts it from its first layer to its last.
 */
export type Prepare = (initial: () => ReadonlyMap<string, Tensor>) => void;

/** Of a model that has its steps. */
export const prepared: Prepare = () => {};

/** Sets steps, and flags of images, in the maps that the layers read; offsets stay what they are. */
export const setting =
  (parameters: Map<string, Tensor>, buffers: Map<string, Tensor>): Prepare =>
  (initial) => {
    for (const [name, tensor] of initial()) {
      const map = name.endsWith('.s') ? parameters : buffers;
      const old = map.get(name);
      if (old === undefined) continue;
      map.set(name, keep(tensor));
      old.dispose();
    }
  };

/** What `Prepare` takes for a single quantizer. */
export const startOf =
  (name: string, quantizer: LsqQuantizer, x: () => Tensor) => (): ReadonlyMap<string, Tensor> =>
    new Map([[name, initialStep({ ...quantizer, name: `"${name}"` }, x())]]);

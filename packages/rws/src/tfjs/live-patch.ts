import type { StateDict, TensorData } from '@proj/tensor-io';
import type { Tensor } from '@tensorflow/tfjs-core';
import { sameWords } from '../equal-bits.ts';
import { RwsError } from '../error.ts';
import { checkFit } from '../fit.ts';
import {
  type PatchedModel,
  type PatchOptions,
  type PatchReport,
  patch,
  patchedModel,
  recompose,
  scale,
  unpatch,
} from '../patch.ts';
import { type CompositionRule, sumRule } from '../rule.ts';
import type { Signature } from '../signature.ts';
import type { Application, Strength } from '../strength.ts';
import { overwrite, peek } from './tensor-memory.ts';
import { inverse, transposed, type WeightPlace, type WeightSource, weightsOf } from './weights.ts';

export interface LivePatchOptions {
  /** Where a signature's tensors are in the model. What is not named is there under its own name, in its own layout. */
  readonly places?: ReadonlyMap<string, WeightPlace>;
}

/**
 * Signatures on the live weights of a model: tfjs users' `LayersModel` or `GraphModel`, or tensors and variables by name. Weights change
 * where they are: nobody has to be handed another tensor, and the next prediction is that of the patched model.
 *
 * The base's values of weights that a signature touched are kept in ordinary memory as long as this object, as many bytes as those
 * weights have; patching them again then needs no hashing. Weights without signatures may be trained: they are read anew. A call that is made before another one is done waits for it; one that fails changes nothing.
 */
export interface LivePatch {
  /** The touched weights and what is on them; `base` and `state` hold no others. */
  readonly model: PatchedModel;
  /**
   * Reads what signatures touch and verifies that they fit, so that patching with them later takes no time for that.
   *
   * @throws {RwsError} `RWS_SIGNATURE_MISMATCH`, `RWS_OPTION_INVALID`.
   */
  prepare(signatures: readonly Signature[], options?: Pick<PatchOptions, 'allowTransfer'>): Promise<void>;
  /**
   * Adds signatures, as `patch` does for a state: all of them are verified before the first weight changes.
   *
   * @throws {RwsError} what `patch` throws; `RWS_WEIGHTS_CHANGED` when a touched weight is not what the last call left, because it was
   * trained or set since; `RWS_OPTION_INVALID` when two tensors of a signature are in one place.
   */
  patch(applications: readonly Application[], options?: PatchOptions): Promise<PatchReport>;
  /** @throws {RwsError} what `scale` throws, `RWS_WEIGHTS_CHANGED`. */
  scale(id: string, strength: number | Strength): Promise<PatchReport>;
  /** @throws {RwsError} what `recompose` throws, `RWS_WEIGHTS_CHANGED`. */
  recompose(rule: CompositionRule): Promise<PatchReport>;
  /**
   * Takes a signature off, or all of them: the weights have the bits then that they would have without.
   *
   * @throws {RwsError} what `unpatch` throws, `RWS_WEIGHTS_CHANGED`.
   */
  unpatch(id: string | 'all'): Promise<PatchReport>;
}

/** Makes a model's live weights ready for signatures; nothing is read or changed yet. */
export function livePatch(source: WeightSource, { places = new Map() }: LivePatchOptions = {}): LivePatch {
  let model = patchedModel(new Map(), [], new Map(), sumRule);
  let last: Promise<unknown> = Promise.resolve();
  const kept: Kept = { values: new Map(), fingerprints: new Map() };

  const inTurn = <T>(work: (weights: Weights) => Promise<T>): Promise<T> => {
    const turn = last.then(() => work(new Weights(source, places)));
    last = turn.catch(() => undefined);
    return turn;
  };
  const change = (next: (weights: Weights) => Promise<PatchedModel> | PatchedModel) =>
    inTurn(async (weights) => {
      for (;;) {
        const after = touchedOnly(await next(weights));
        const changed = weights.replace(model, after);
        if (changed.length === 0) {
          model = after;
          return after.report;
        }
        // Weights without signatures may be trained; what was kept of them is read anew then.
        const trained = changed.filter((name) => kept.values.has(name) && !model.state.has(name));
        if (trained.length < changed.length) throw weights.changed(changed);
        forget(kept, trained);
      }
    });
  return {
    get model() {
      return model;
    },
    prepare: (signatures, { allowTransfer = false } = {}) =>
      inTurn(async (weights) => {
        forget(kept, weights.trained(model, kept));
        const base = weights.baseFor(model, signatures, kept);
        for (const signature of signatures) {
          await checkFit(signature, base, kept.fingerprints, allowTransfer);
        }
      }),
    patch: (applications, options) =>
      change(async (weights) => {
        const signatures = applications.map(({ signature }) => signature);
        const base = weights.baseFor(model, signatures, kept);
        const patched = await patch(
          { ...model, base, fingerprints: kept.fingerprints },
          applications,
          options,
        );
        for (const [name, sha256] of patched.fingerprints) kept.fingerprints.set(name, sha256);
        return patched;
      }),
    scale: (id, strength) => change(() => scale(model, id, strength)),
    recompose: (rule) => change(() => recompose(model, rule)),
    unpatch: (id) => change(() => unpatch(model, id)),
  };
}

/** The base's values of weights that a signature touches or touched, and their hashes. */
interface Kept {
  readonly values: Map<string, TensorData>;
  readonly fingerprints: Map<string, string>;
}

function forget({ values, fingerprints }: Kept, names: readonly string[]): void {
  for (const name of names) {
    values.delete(name);
    fingerprints.delete(name);
  }
}

/** Without weights that no signature touches any more: from now on they may change. */
function touchedOnly(model: PatchedModel): PatchedModel {
  const touched = (state: StateDict) => new Map([...state].filter(([name]) => model.fingerprints.has(name)));
  return { ...model, base: touched(model.base), state: touched(model.state) };
}

/** A model's weights under the names, and in the layouts, of signatures. */
class Weights {
  private readonly tensors: Map<string, Tensor>;
  private readonly places: ReadonlyMap<string, WeightPlace>;

  constructor(source: WeightSource, places: ReadonlyMap<string, WeightPlace>) {
    this.tensors = weightsOf(source);
    this.places = places;
  }

  private placeOf(name: string): WeightPlace {
    return this.places.get(name) ?? { name };
  }

  /** The base with all weights that the signatures touch; what the model lacks is left out, for `patch` to tell. */
  baseFor(model: PatchedModel, signatures: readonly Signature[], { values }: Kept): StateDict {
    const base = new Map(model.base);
    const taken = new Map([...base.keys()].map((name) => [this.tensors.get(this.placeOf(name).name), name]));
    for (const { name } of signatures.flatMap(({ tensors }) => tensors)) {
      const tensor = base.has(name) ? undefined : this.tensors.get(this.placeOf(name).name);
      if (tensor === undefined) continue;
      const other = taken.get(tensor);
      if (other !== undefined) {
        throw new RwsError(
          'RWS_OPTION_INVALID',
          `"${name}" and "${other}" are one weight of the model, "${this.placeOf(name).name}".`,
        );
      }
      const data = values.get(name) ?? this.read(name, tensor);
      taken.set(tensor, name);
      values.set(name, data);
      base.set(name, data);
    }
    return base;
  }

  /** What was kept of weights that no signature touches now, and that have other values by now. */
  trained(model: PatchedModel, { values }: Kept): string[] {
    return [...values]
      .filter(([name, data]) => !model.base.has(name) && !this.holds(name, data))
      .map(([name]) => name);
  }

  private holds(name: string, data: TensorData): boolean {
    const tensor = this.tensors.get(this.placeOf(name).name);
    if (tensor === undefined || tensor.isDisposed || tensor.dtype !== 'float32') return false;
    return sameWords(peek(tensor), this.outwards(name, data));
  }

  private read(name: string, tensor: Tensor): TensorData {
    const { shape } = tensor;
    // Only its dtype will be looked at, and refused.
    if (tensor.dtype !== 'float32') return { dtype: 'I32', shape, bytes: new Uint8Array(0) };
    const { axes } = this.placeOf(name);
    if (axes === undefined || axes.length !== shape.length) return float32(shape, peek(tensor).slice());
    const back = inverse(axes);
    return float32(
      back.map((axis) => shape[axis]!),
      transposed(peek(tensor), shape, back),
    );
  }

  /** Writes what is another tensor after than before; nothing, when weights are not what they were, whose names it returns. */
  replace(before: PatchedModel, after: PatchedModel): string[] {
    const names = new Set([...before.state.keys(), ...after.state.keys()]);
    const writes: [Tensor, Float32Array][] = [];
    const changed: string[] = [];
    for (const name of names) {
      const expected = before.state.get(name) ?? after.base.get(name)!;
      const wanted = after.state.get(name) ?? before.base.get(name)!;
      if (!this.holds(name, expected)) changed.push(name);
      else if (wanted !== expected) {
        writes.push([this.tensors.get(this.placeOf(name).name)!, this.outwards(name, wanted)]);
      }
    }
    if (changed.length === 0) for (const [tensor, values] of writes) overwrite(tensor, values);
    return changed;
  }

  changed(names: readonly string[]): RwsError {
    const places = names.map((name) => `"${this.placeOf(name).name}"`);
    return new RwsError(
      'RWS_WEIGHTS_CHANGED',
      `weights are not what they were when signatures were last changed: ${places.join(', ')}. Take signatures off before training or loading weights.`,
    );
  }

  /** A tensor's values in the model's layout. */
  private outwards(name: string, { shape, bytes }: TensorData): Float32Array {
    const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    const { axes } = this.placeOf(name);
    return axes === undefined ? values : transposed(values, shape, axes);
  }
}

function float32(shape: readonly number[], values: Float32Array): TensorData {
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

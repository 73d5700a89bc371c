import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { type FixtureFolder, type OfqCase, ofqCase, ofqCaseNames } from '@proj/fixtures';
import { cosine, distillation } from '@proj/trainer';
import { grads, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';

/** How far one case is from the reference; `compared` counts tensors, none where no package does this yet. */
export interface OfqRow {
  readonly case: string;
  readonly compared: number;
  readonly maxDifference: number;
  /** The largest difference over what is allowed for its tensor; above 1 the case fails. */
  readonly worst: number;
}

/** What a package computed, beside the name of the reference's tensor. */
type Computed = readonly [name: string, values: ArrayLike<number>];

/** A kind of case is told by what it holds; `compute` does what the reference code did. */
interface Kind {
  is(entry: OfqCase): boolean;
  compute(entry: OfqCase): Computed[];
  /** Allowed difference relative to the largest reference value. */
  readonly tolerance: number;
}

const live = (entry: OfqCase, name: string): Tensor => {
  const { shape, dtype, data } = entry.tensors.get(name)!;
  return dtype === 'int32'
    ? tensor(Int32Array.from(data), [...shape], 'int32')
    : tensor(Float32Array.from(data), [...shape]);
};

/** The distillation loss with one head or two, and its gradients. */
const distillationLoss: Kind = {
  tolerance: 2e-5,
  is: ({ tensors }) => tensors.has('target') && (tensors.has('d_student') || tensors.has('d_student_cls')),
  compute(entry) {
    const oneHead = entry.tensors.has('student');
    const heads = oneHead ? ['student'] : ['student_cls', 'student_dist'];
    const [teacher, target] = [live(entry, oneHead ? 'teacher' : 'teacher_cls'), live(entry, 'target')];
    const loss = (...outputs: Tensor[]) => distillation(outputs[0]!, outputs.at(-1)!, teacher, target);
    const outputs = heads.map((head) => live(entry, head));
    const gradients = grads(loss)(outputs);
    return [
      ['loss', loss(...outputs).dataSync()],
      ...heads.map((head, i): Computed => [`d_${head}`, gradients[i]!.dataSync()]),
    ];
  },
};

/** Learning rates per epoch, for each configuration the case names; those of CGA go on where training ended. */
const learningRates: Kind = {
  tolerance: 2e-7,
  is: ({ config }) =>
    Object.values(config).some(
      (value) => typeof value === 'object' && value !== null && 'warmup_lr' in value,
    ),
  compute({ config, tensors }) {
    return Object.entries(config).flatMap(([name, value]) => {
      const { lr, epochs, warmup_epochs, warmup_lr, min_lr } = value as Record<string, number>;
      const rate = cosine({
        base: lr!,
        min: min_lr!,
        warmup: warmup_epochs!,
        warmupFrom: warmup_lr!,
        total: epochs!,
      });
      const from = (start: number, key: string): Computed => [
        key,
        Float64Array.from({ length: tensors.get(key)!.data.length }, (_, epoch) => rate(start + epoch)),
      ];
      return [from(0, `${name}.lr`), from(epochs!, `${name}.cga_lr`)];
    });
  },
};

const kinds: readonly Kind[] = [distillationLoss, learningRates];

/** Compares every case of the folder that the packages can compute, on tfjs-wasm with our kernels. */
export async function compareOfq(folder: FixtureFolder): Promise<OfqRow[]> {
  await setBackend('wasm');
  return ofqCaseNames(folder).map((name) => {
    const entry = ofqCase(name, folder);
    const kind = kinds.find((candidate) => candidate.is(entry));
    let [compared, maxDifference, worst] = [0, 0, 0];
    for (const [key, values] of kind?.compute(entry) ?? []) {
      const { data } = entry.tensors.get(key)!;
      const largest = Math.max(...Array.from(data, Math.abs));
      const difference = Math.max(...Array.from(data, (value, i) => Math.abs(value - values[i]!)));
      compared++;
      maxDifference = Math.max(maxDifference, difference);
      // NaN must not pass for the smallest difference.
      worst =
        difference <= kind!.tolerance * largest
          ? Math.max(worst, difference / (kind!.tolerance * largest))
          : Number.POSITIVE_INFINITY;
    }
    return { case: name, compared, maxDifference, worst };
  });
}

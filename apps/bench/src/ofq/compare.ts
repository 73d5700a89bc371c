import '@proj/ops/gradients';
import '@proj/wasm-kernels/install';
import { type FixtureFolder, ofqCase, ofqCaseNames } from '@proj/fixtures';
import { cosine, distillation } from '@proj/trainer';
import { grads, setBackend, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { allowedDifference, type Computed, type Kind, live } from './kind.ts';
import { quantizedLayer, quantizedModel } from './layer-cases.ts';
import { lsqQuantizers, statsqWeights } from './quantizer-cases.ts';

/** How far one case is from the reference; `compared` counts tensors, none where no package does this yet. */
export interface OfqRow {
  readonly case: string;
  readonly compared: number;
  readonly maxDifference: number;
  /** The largest difference over what is allowed for its tensor; above 1 the case fails. */
  readonly worst: number;
}

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

const kinds: readonly Kind[] = [
  distillationLoss,
  learningRates,
  statsqWeights,
  lsqQuantizers,
  quantizedLayer,
  quantizedModel,
];

/** Compares every case of the folder that the packages can compute, on tfjs-wasm with our kernels or on tfjs's cpu backend. */
export async function compareOfq(folder: FixtureFolder, backend: 'wasm' | 'cpu' = 'wasm'): Promise<OfqRow[]> {
  await setBackend(backend);
  return ofqCaseNames(folder).map((name) => {
    const entry = ofqCase(name, folder);
    const kind = kinds.find((candidate) => candidate.is(entry));
    let [compared, maxDifference, worst] = [0, 0, 0];
    let results: Computed[] = [];
    tidy(() => {
      results = kind?.compute(entry) ?? [];
    });
    for (const [key, values] of results) {
      const { data } = entry.tensors.get(key)!;
      const largest = Math.max(...Array.from(data, Math.abs));
      const difference = Math.max(...Array.from(data, (value, i) => Math.abs(value - values[i]!)));
      const allowed =
        kind!.tolerance === undefined ? allowedDifference(entry, key, largest) : kind!.tolerance * largest;
      compared++;
      maxDifference = Math.max(maxDifference, difference);
      // NaN must not pass for the smallest difference.
      const share =
        difference === 0 ? 0 : difference <= allowed ? difference / allowed : Number.POSITIVE_INFINITY;
      worst = Math.max(worst, share);
    }
    return { case: name, compared, maxDifference, worst };
  });
}

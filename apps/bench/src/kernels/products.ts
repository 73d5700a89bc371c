import type { Product } from './tasks.ts';

/** A product of the benchmark: what it is, and which targets it counts for. */
export interface ProductCase {
  readonly name: string;
  /** `large` and `attention` are the shapes of vision transformers; `small` ones are shown and may not be slower than stock. */
  readonly size: 'large' | 'attention' | 'small';
  readonly product: Product;
}

type Sizes = readonly [m: number, k: number, n: number];

const plain = ([m, k, n]: Sizes, weight = true): Product => ({
  ...{ batch: 1, m, k, n },
  transposeA: false,
  transposeB: false,
  weight,
});

/** y = x Wᵀ with the weight as PyTorch stores it, [out, in]. */
const linear = (sizes: Sizes): Product => ({ ...plain(sizes), transposeB: true });
/** dW = dyᵀ x, or xᵀ dy: the sum runs over the rows of both. */
const weightGradient = (sizes: Sizes): Product => ({ ...plain(sizes, false), transposeA: true });
const batched = (batch: number, sizes: Sizes, transpose: 'A' | 'B' | 'none'): Product => ({
  ...plain(sizes, false),
  batch,
  transposeA: transpose === 'A',
  transposeB: transpose === 'B',
});

const large = (name: string, product: Product): ProductCase => ({ name, size: 'large', product });
const attention = (name: string, product: Product): ProductCase => ({ name, size: 'attention', product });
const small = (name: string, product: Product): ProductCase => ({ name, size: 'small', product });

/** The linear layers of a block on `rows` tokens of width 192: in and out. */
const layers = { qkv: [192, 576], proj: [192, 192], fc1: [192, 768], fc2: [768, 192] } as const;
type LayerName = keyof typeof layers;
const layerNames = Object.keys(layers) as LayerName[];

const forward = (model: string, rows: number): ProductCase[] =>
  layerNames.map((name) => large(`${model} ${name}: x Wᵀ`, linear([rows, layers[name][0], layers[name][1]])));
const backward = (model: string, rows: number): ProductCase[] =>
  layerNames.flatMap((name) => {
    const [inputs, outputs] = layers[name];
    return [
      large(`${model} ${name}: dx = dy W`, plain([rows, outputs, inputs])),
      large(`${model} ${name}: dW = dyᵀ x`, weightGradient([outputs, rows, inputs])),
    ];
  });
const heads = (model: string, batch: number, tokens: number): ProductCase[] => [
  attention(`${model} q kᵀ`, batched(batch, [tokens, 64, tokens], 'B')),
  attention(`${model} p v`, batched(batch, [tokens, tokens, 64], 'none')),
];

/** Every product that is measured. */
export const productCases: readonly ProductCase[] = [
  large('8 images, fc1', plain([1576, 192, 768])),
  large('8 images, fc1: x Wᵀ', linear([1576, 192, 768])),
  large('1 image, fc1 of DeiT-S', plain([197, 384, 1536])),
  ...heads('8 images', 48, 197),
  large('8 images, fc1: dW = xᵀ dy', weightGradient([192, 1576, 768])),
  large('512³', plain([512, 512, 512])),
  large('1024³', plain([1024, 1024, 1024])),
  ...forward('CIFAR ViT', 4160),
  ...backward('CIFAR ViT', 4160),
  ...heads('CIFAR ViT', 192, 65),
  attention('CIFAR ViT dk = dsᵀ q', batched(192, [65, 65, 64], 'A')),
  ...forward('DeiT-T', 197),
  ...heads('DeiT-T', 3, 197),
  small('head of a batch', linear([64, 192, 10])),
  small('dW of that head', weightGradient([10, 64, 192])),
  small('q kᵀ, 17 tokens', batched(256, [17, 16, 17], 'B')),
  small('p v, 17 tokens', batched(256, [17, 17, 16], 'none')),
  small('one row', plain([1, 192, 1000])),
  small('one row: x Wᵀ', linear([1, 192, 1000])),
  small('odd sizes', plain([63, 65, 67], false)),
];

/** One of each kind: plain, x Wᵀ, dW = dyᵀ x, and the two products of attention. */
export const quickProductCases: readonly ProductCase[] = productCases.filter(({ name }) =>
  ['512³', 'DeiT-T fc1: x Wᵀ', 'dW of that head', 'DeiT-T q kᵀ', 'DeiT-T p v'].includes(name),
);

export const flopOf = ({ batch, m, k, n }: Product): number => 2 * batch * m * k * n;

export function sizesOf({ batch, m, k, n }: Product): string {
  return `${batch === 1 ? '' : `${batch} x `}${m} x ${k} x ${n}`;
}

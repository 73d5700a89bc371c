import { createKernels, type Kernels } from './kernels.ts';
import { type Flavour, moduleBytes } from './module.ts';

/** A flavour, or `auto`: `relaxed` where the engine has relaxed SIMD (Node 22 and later, current browsers), else `reproducible`. */
export type FlavourChoice = Flavour | 'auto';

/**
 * What can be had of a flavour that is wished for: `wide` where V8's revectorizer is there and pays, which is tried; otherwise
 * `relaxed` where the engine has relaxed SIMD; otherwise `reproducible`.
 *
 * V8's experimental flags are set only for those who ask for `wide`, or for `relaxed` under Node 20.
 */
export function availableFlavour(wished: FlavourChoice): Flavour {
  if (wished === 'reproducible') return wished;
  if (wished !== 'auto' && v8Version() === 11) setV8Flag('--experimental-wasm-relaxed-simd');
  if (!WebAssembly.validate(moduleBytes('relaxed'))) return 'reproducible';
  return wished === 'wide' && widePays() ? 'wide' : 'relaxed';
}

/** The revectorizer is for x64 alone; before version 13 it is missing or unfinished. */
function widePays(): boolean {
  if (!(v8Version() >= 13) || process.arch !== 'x64') return false;
  setV8Flag('--experimental-wasm-revectorize');
  const memory = new WebAssembly.Memory({ initial: 4 });
  const rates = { wide: 0, relaxed: 0 };
  const kernels = { wide: createKernels(memory, 'wide'), relaxed: createKernels(memory, 'relaxed') };
  // V8 optimizes while they run; where it does not join the wide tile's vectors, that tile is the slower one by far.
  const end = performance.now() + 250;
  while (performance.now() < end) {
    for (const flavour of ['wide', 'relaxed'] as const) {
      rates[flavour] = Math.max(rates[flavour], productRate(kernels[flavour]));
    }
  }
  return rates.wide > 1.1 * rates.relaxed;
}

/** Products a millisecond, of 48 x 128 and 128 x 64. */
function productRate({ product }: Kernels): number {
  const [a, b, c, scratch] = [16, 24_592, 57_360, 69_648];
  const start = performance.now();
  for (let i = 0; i < 20; i++) {
    product(48, 64, 128, a, 512, 4, b, 256, 4, c, 256, 0, 0, -Infinity, Infinity, 0, 0, scratch);
  }
  return 20 / (performance.now() - start);
}

/** Node's module for V8, in Node. */
const v8 = () =>
  typeof process === 'undefined' || typeof process.getBuiltinModule !== 'function'
    ? undefined
    : process.getBuiltinModule('node:v8');

const v8Version = (): number => (v8() === undefined ? Number.NaN : Number.parseInt(process.versions.v8, 10));

function setV8Flag(flag: string): void {
  v8()?.setFlagsFromString(flag);
}

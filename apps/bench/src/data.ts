import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BenchError } from './error.ts';
import { sha256Of } from './runner/identity.ts';

/** The data that jobs can name, and how to tell one edition from another. */
const sources: Readonly<Record<string, () => Promise<string>>> = {
  async digits() {
    const require = createRequire(import.meta.url);
    const files = Array.from({ length: 10 }, (_, digit) =>
      readFileSync(require.resolve(`mnist/src/digits/${digit}.json`)),
    );
    return sha256Of(files.map(sha256Of).join());
  },
};

/** @throws {BenchError} BENCH_UNKNOWN, BENCH_DATA_MISSING. */
export async function dataFingerprint(name: string): Promise<string> {
  if (!Object.hasOwn(sources, name))
    throw new BenchError(
      'BENCH_UNKNOWN',
      `there is no data called "${name}"; there are ${Object.keys(sources).join(', ')}.`,
    );
  return sources[name]!();
}

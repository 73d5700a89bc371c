import { dataFingerprint } from '../data.ts';
import { BenchError } from '../error.ts';
import type { JobIdentity } from './spec.ts';

/**
 * Refuses to run a job on other data than it was planned with: a name says which data, only the fingerprint says which edition.
 *
 * @throws {BenchError} BENCH_DATA_DIFFERS; what `dataFingerprint` throws.
 */
export async function requireSameData(planned: JobIdentity['data']): Promise<void> {
  for (const [name, fingerprint] of Object.entries(planned)) {
    if ((await dataFingerprint(name)) === fingerprint) continue;
    throw new BenchError(
      'BENCH_DATA_DIFFERS',
      `the data "${name}" here is not that of the plan; bring the same files here, or plan again`,
    );
  }
}

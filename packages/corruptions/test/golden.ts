import { type CorruptionName, corruptionNames, corruptToFloat, recordedDraws } from '@proj/corruptions';
import { type FixtureFolder, type RwsCase, rwsManifest } from '@proj/fixtures';

/** How one case (an image, a corruption, five severities) compares with the reference code's output. */
export interface GoldenRow {
  readonly case: string;
  /** Bytes that differ, of all severities, and of how many. */
  readonly differing: number;
  readonly bytes: number;
  /** Largest difference in levels. */
  readonly maxDifference: number;
  /** Largest difference before truncation, where the folder has those values. */
  readonly maxFloatDifference: number | null;
  /** Largest share of differing bytes at one severity, and the largest that is allowed. */
  readonly share: number;
  readonly allowedShare: number;
  readonly verdict: 'equal' | 'within tolerance' | 'FAIL';
}

export type PortCheck = Readonly<Record<string, { readonly frac_diff: number } | undefined>>;

interface ImplementedCase extends RwsCase {
  readonly corruption: CorruptionName;
}

/** Whether the package has the corruption of a case. */
export const isImplemented = (golden: RwsCase): golden is ImplementedCase =>
  (corruptionNames as readonly string[]).includes(golden.corruption);

/**
 * Compares every case whose output is in the folder and whose corruption the package has. A case passes when it is equal, or within 1 level with at most
 * 1.5 times the differing share that an independent port reached (`tolerances`, by corruption and size), and
 * within 1e-3 before truncation.
 */
export function* compareGolden(
  folder: FixtureFolder,
  {
    tolerances = folder.json<PortCheck>('port_check.json'),
    select = () => true,
  }: { tolerances?: PortCheck; select?: (golden: RwsCase) => boolean } = {},
): Generator<GoldenRow> {
  const { cases, images } = rwsManifest(folder);
  for (const golden of cases.filter(isImplemented).filter(select)) {
    const { size, input } = images[golden.image]!;
    const allowedShare = 1.5 * (tolerances[`${golden.corruption}@${size}`]?.frac_diff ?? 0);
    yield compareCase(folder, golden, size, folder.npy(input).data as Uint8Array, allowedShare);
  }
}

function compareCase(
  folder: FixtureFolder,
  { image, corruption, severities, out, out_f32 }: ImplementedCase,
  size: number,
  data: Uint8Array,
  allowedShare: number,
): GoldenRow {
  const expected = folder.npy(out).data as Uint8Array;
  const floats = out_f32 === undefined ? undefined : (folder.npy(out_f32).data as Float32Array);
  let differing = 0;
  let maxDifference = 0;
  let maxFloatDifference = 0;
  let share = 0;
  for (const [i, { severity, draws }] of severities.entries()) {
    const values = corruptToFloat(
      { data, height: size, width: size, channels: 3 },
      corruption,
      severity,
      recordedDraws(draws === undefined ? [] : (folder.npy(draws).data as Float64Array)),
    );
    let differs = 0;
    for (let at = 0; at < values.length; at++) {
      const difference = Math.abs(Math.trunc(values[at]!) - expected[i * values.length + at]!);
      if (difference !== 0) differs++;
      maxDifference = Math.max(maxDifference, difference);
      if (floats !== undefined) {
        maxFloatDifference = Math.max(
          maxFloatDifference,
          Math.abs(values[at]! - floats[i * values.length + at]!),
        );
      }
    }
    differing += differs;
    share = Math.max(share, differs / values.length);
  }
  const passes =
    (differing === 0 || (maxDifference <= 1 && share <= allowedShare)) && maxFloatDifference <= 1e-3;
  return {
    case: `${image} ${corruption}`,
    differing,
    bytes: expected.length,
    maxDifference,
    maxFloatDifference: floats === undefined ? null : maxFloatDifference,
    share,
    allowedShare,
    verdict: !passes ? 'FAIL' : differing === 0 ? 'equal' : 'within tolerance',
  };
}

import { readFile } from 'node:fs/promises';
import { inspect, type Projection, type Signature, signatureFromBytes } from '@proj/rws';
import type { Finished } from '../experiment.ts';
import { SIGNATURE_FILE } from './model.ts';

export type SignatureConfig = {
  /** `orthogonal`: what is left of the robust task vector beside the standard one, as in the paper. `none`: robust minus standard. */
  readonly projection: Projection;
  /** 2 to 8 bits a value, or 32 for float32. */
  readonly bits: number;
};

/** What a signature covers and takes; `compression` never stands without `configuration`. */
export type SignatureSummary = {
  readonly id: string;
  readonly name: string;
  readonly projection: Projection;
  readonly k: number;
  readonly units: number;
  readonly bits: number;
  readonly values: number;
  readonly norm: number;
  readonly fileBytes: number;
  readonly modelBytes: number;
  /** Model bytes over file bytes. */
  readonly compression: number;
  readonly configuration: string;
};

export function summaryOf(signature: Signature): SignatureSummary {
  const { id, about, projection, k, units, bits, parameters, norm, fileBytes, modelBytes, ...ratio } =
    inspect(signature);
  const { compression, configuration } = ratio;
  return {
    ...{ id, name: about.name ?? id, projection, k, units, bits, values: parameters, norm },
    ...{ fileBytes, modelBytes, compression, configuration },
  };
}

/** The signatures among the jobs that a job needs, by the names it has for them: `signature`, `signature fog`. */
export async function signaturesOf(
  needs: Readonly<Record<string, Finished>>,
): Promise<Map<string, Signature>> {
  const named = Object.entries(needs).filter(([name]) => /^signature\b/.test(name));
  const opened = named.map(
    async ([name, finished]) =>
      [name, await signatureFromBytes(await readFile(finished.file(SIGNATURE_FILE)))] as const,
  );
  return new Map(await Promise.all(opened));
}

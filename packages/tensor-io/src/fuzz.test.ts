import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { codeOf } from '../test/code-of.ts';
import { testBytes } from '../test/files.ts';
import { parseNpy } from './npy.ts';
import { parseNpz } from './npz.ts';
import { parsePth } from './pth.ts';
import { parseSafetensors } from './safetensors.ts';

const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });

/** Reads a PyTorch file whose pickle is replaced, with checksums that fit. */
function withPickle(file: string): [pickle: Uint8Array, parse: (pickle: Uint8Array) => unknown] {
  const entries = unzipSync(testBytes(file));
  const name = Object.keys(entries).find((entry) => entry.endsWith('data.pkl'))!;
  return [entries[name]!, (pickle) => parsePth(zipSync({ ...entries, [name]: pickle }, { level: 0 }))];
}

describe('files with random bytes changed', () => {
  it.each([
    ['a safetensors file', testBytes('reference.safetensors'), parseSafetensors],
    ['an array', testBytes('fortran_order.npy'), parseNpy],
    ['an archive of arrays', testBytes('deflated.npz'), parseNpz],
    ['a PyTorch file', testBytes('views.pth'), parsePth],
    ['the pickle of a checkpoint', ...withPickle('checkpoint.pth')],
    ['the pickle of views', ...withPickle('views.pth')],
    ['a pickle of protocol 4', ...withPickle('protocol4.pth')],
  ] as const)('%s: are read or refused with a code, never anything else', (_, bytes, parse) => {
    const codes = new Set<string | undefined>();
    const changed = (changes: readonly (readonly [number, number])[]) => {
      const copy = bytes.slice();
      for (const [at, value] of changes) copy[at % copy.length] = value;
      return copy;
    };
    fc.assert(
      fc.property(edits, (changes) => void codes.add(codeOf(() => parse(changed(changes))))),
      { numRuns: 300, seed: 7 },
    );
    expect(codes.size).toBeGreaterThan(1);
  });
});

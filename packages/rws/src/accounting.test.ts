import { describe, expect, it } from 'vitest';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { accounting } from './accounting.ts';
import { extract, signatureToBytes, systemCompression } from './index.ts';

/** The paper's VGG-16 without batch norm, for 10 classes. */
const shapes = new Map<string, number[]>();
const units: string[][] = [];
let channels = 3;
for (const width of [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]) {
  const layer = `features.${units.length}`;
  units.push([`${layer}.weight`, `${layer}.bias`]);
  shapes.set(`${layer}.weight`, [width, channels, 3, 3]);
  shapes.set(`${layer}.bias`, [width]);
  channels = width;
}
shapes.set('classifier.weight', [10, 512]);
shapes.set('classifier.bias', [10]);

const count = (k: number, bits: number, signatures = 1) => accounting({ shapes, units, k, bits, signatures });

describe('accounting', () => {
  it.each([
    [3, 112_576, 0.45, 130.8, 262, 523, 1046],
    [4, 260_160, 1.041, 56.6, 113, 226, 453],
    [5, 555_328, 2.221, 26.5, 53, 106, 212],
    [6, 1_145_408, 4.582, 12.85, 25.7, 51.4, 103],
    [7, 1_735_488, 6.942, 8.48, 17, 33.9, 67.9],
    [8, 2_915_648, 11.66, 5.05, 10.1, 20.2, 40.4],
    [10, 7_635_264, 30.54, 1.93, 3.9, 7.7, 15.4],
    [13, 14_714_688, 58.86, 1, 2, 4, 8],
  ])('of VGG-16, first %i layers: %i parameters', (k, parameters, megabytes, ...ratios) => {
    const full = count(k, 32);
    expect(full).toMatchObject({ parameters, modelParameters: 14_719_818 });
    expect(full.signature.bytes / 1e6).toBeCloseTo(megabytes, 2);
    for (const [i, bits] of [32, 16, 8, 4].entries()) {
      const { compression, configuration } = count(k, bits).signature;
      expect(Math.abs(compression / ratios[i]! - 1)).toBeLessThan(0.015);
      expect(configuration).toContain(`first ${k} of 13 units, ${parameters} values of ${bits} bits`);
    }
  });

  it('reaches 13 times in two configurations, and says which', () => {
    const { signature } = count(6, 32);
    expect(signature.compression).toBeCloseTo(12.85, 2);
    expect(signature.configuration).toBe(
      'one signature (first 6 of 13 units, 1145408 values of 32 bits, by arithmetic) against all 14719818 parameters in float32',
    );
    const { system } = count(7, 8, 19);
    expect(system.fullBytes / 1e6).toBeCloseTo(1177.6, 1);
    expect(system.bytes / 1e6).toBeCloseTo(91.9, 1);
    expect(system.compression).toBeCloseTo(12.8, 1);
    expect(system.configuration).toBe(
      'the standard model and 19 signatures (first 7 of 13 units, 1735488 values of 8 bits, by arithmetic) against 20 whole models of 14719818 parameters in float32',
    );
  });

  it('refuses what cannot be counted', () => {
    const code = expect.objectContaining({ code: 'RWS_OPTION_INVALID' });
    expect(() => count(0, 32)).toThrow(code);
    expect(() => count(14, 32)).toThrow(code);
    expect(() => count(1, 0)).toThrow(code);
    expect(() => count(1, 8, 0)).toThrow(code);
    expect(() => accounting({ shapes, units: [['foo']], k: 1, bits: 8 })).toThrow(code);
  });

  it('of no files is refused', () => {
    expect(() => systemCompression([])).toThrow(expect.objectContaining({ code: 'RWS_SIGNATURES_DIFFER' }));
  });

  it('of files counts files', async () => {
    const checkpoints = {
      init: goldenState(golden.state.pretrained),
      standard: goldenState(golden.state.standard),
      units: goldenUnits,
      k: 1,
    };
    const signatures = [];
    for (const weights of golden.state.robust) {
      signatures.push((await extract({ ...checkpoints, robust: goldenState(weights) })).signature);
    }
    const bytes = 3388 + signatures.reduce((sum, one) => sum + signatureToBytes(one).length, 0);
    expect(systemCompression(signatures)).toEqual({
      ...{ fullBytes: 3 * 3388, bytes, compression: (3 * 3388) / bytes },
      configuration:
        'the standard model and 2 signature files against 3 whole models of 847 parameters as stored',
    });
  });
});

import { describe, expect, it } from 'vitest';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { extract, inspect, signatureToBytes } from './index.ts';

const checkpoints = {
  init: goldenState(golden.state.pretrained),
  standard: goldenState(golden.state.standard),
  robust: goldenState(golden.state.robust[0]!),
  units: goldenUnits,
  k: 2,
};

describe('inspect', () => {
  it('states sizes, the compression and the configuration that it holds for', async () => {
    const { signature } = await extract({ ...checkpoints, bits: 3, about: { corruption: 'fog' } });
    const summary = inspect(signature);
    const fileBytes = signatureToBytes(signature).length;
    expect(summary).toMatchObject({
      id: signature.id,
      about: { corruption: 'fog' },
      projection: 'orthogonal',
      bits: 3,
      quantizer: { scheme: 'linear', levels: 8 },
      structure: { kind: 'dense' },
      batchNorm: 'delta',
      replaced: 0,
      k: 2,
      units: 4,
      tensors: 4,
      parameters: 260,
      packedBytes: Math.ceil((108 * 3) / 8) + 2 + Math.ceil((144 * 3) / 8) + 2 + 4 * 8,
      fileBytes,
      modelBytes: 3388,
      modelParameters: 847,
      compression: 3388 / fileBytes,
      configuration:
        'one signature file (first 2 of 4 units, 260 values, linear, 8 levels in 3 bits per value) against all 847 parameters of the model as stored',
    });
    expect(summary.norm).toBeCloseTo(Math.hypot(...signature.tensors.map(({ norm }) => norm)), 12);
  });

  it('counts plain float32 as 4 bytes a value', async () => {
    const { signature } = await extract({ ...checkpoints, bits: 32 });
    expect(inspect(signature)).toMatchObject({ bits: 32, packedBytes: 1040, payloadBytes: 1040 });
    expect(inspect(signature).configuration).toContain('260 values, float32)');
  });
});

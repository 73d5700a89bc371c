import { describe, expect, it } from 'vitest';
import { configFingerprint, requireSameConfig } from './config.ts';

describe('a configuration', () => {
  it('is the same whatever the order of its keys', async () => {
    expect(await configFingerprint({ a: 1, b: null })).toBe(await configFingerprint({ b: null, a: 1 }));
    expect(await configFingerprint({ a: 1 })).not.toBe(await configFingerprint({ a: '1' }));
    requireSameConfig({ a: 1, b: null }, { b: null, a: 1 });
  });

  it('that differs is refused with every difference by name', () => {
    const differ = () =>
      requireSameConfig({ seed: 1, epochs: 3, model: 'vit' }, { seed: 2, model: 'vit', amp: true });
    expect(differ).toThrow(expect.objectContaining({ code: 'TRAINER_CONFIG_MISMATCH' }));
    expect(differ).toThrow(
      'seed was 1 and is now 2; epochs was 3 and is now not set; amp was not set and is now true',
    );
  });
});

import '@tensorflow/tfjs-backend-cpu';
import { fixtures } from '@proj/fixtures';
import { describe, expect, it } from 'vitest';
import { compareOfq } from '../src/ofq/compare.ts';

describe.each(['cpu', 'wasm'] as const)('the OFQ reference code and the packages on %s', (backend) => {
  it('agree on every quantizer, layer and model, values and gradients', async () => {
    const rows = await compareOfq(fixtures('ofq'), backend);
    expect(rows.filter(({ worst }) => !(worst <= 1))).toEqual([]);
    // What belongs to training: masks, oscillation, steps of an optimizer.
    const others = rows.filter(({ compared }) => compared === 0).map((row) => row.case);
    expect(others.length).toBe(11);
    for (const name of others) expect(name).toMatch(/^(cga|track|train|qkr_init)_/);
  });
});

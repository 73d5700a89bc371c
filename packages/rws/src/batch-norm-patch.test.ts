import {
  type DType,
  parseSafetensors,
  type StateDict,
  serializeSafetensors,
  stateSha256,
  tensorData,
  toFloat32,
} from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import {
  type BatchNormPolicy,
  extract,
  openPatched,
  patch,
  patchedMetadata,
  type Signature,
  scale,
  unpatch,
} from './index.ts';

const checkpoint = (shift: number, variance: number[], dtype: DType = 'F32'): StateDict =>
  new Map([
    [
      'conv.weight',
      tensorData(
        dtype,
        [2, 2],
        [1, 2, 3, 4].map((value) => value + shift),
      ),
    ],
    ['bn.weight', tensorData(dtype, [2], [1 + shift, 1])],
    ['bn.bias', tensorData(dtype, [2], [shift, 0])],
    ['bn.running_mean', tensorData(dtype, [2], [shift, -shift])],
    ['bn.running_var', tensorData(dtype, [2], variance)],
    ['deep.weight', tensorData(dtype, [2], [1, 1])],
  ]);
const base = checkpoint(0, [1, 0.5]);
const units = [['conv.weight', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var'], ['deep.weight']];
const signatureOf = async (
  shift: number,
  variance: number[],
  batchNorm: BatchNormPolicy,
): Promise<Signature> =>
  (
    await extract({
      ...{ standard: base, robust: checkpoint(shift, variance), units, k: 1, bits: 32, batchNorm },
    })
  ).signature;
const values = (state: StateDict, name: string) => [...toFloat32(state.get(name)!)];

describe('patching batch norm', () => {
  it('keeps variances at least 0 where a delta would not, and gives every bit back', async () => {
    const signature = await signatureOf(0.25, [0.25, 2], 'delta');
    const model = await patch(base, [{ signature, alpha: 2 }]);
    expect(values(model.state, 'bn.running_var')).toEqual([0, 3.5]);
    expect(values(model.state, 'bn.running_mean')).toEqual([0.5, -0.5]);
    const stored = parseSafetensors(serializeSafetensors(model.state, await patchedMetadata(model)));
    const { model: reopened } = await openPatched(stored.state, stored.metadata);
    expect(await stateSha256(unpatch(reopened, 'all').state)).toBe(await stateSha256(base));
  });

  it('replaces by the mean of the signatures that do, whatever their α, and comes off one by one', async () => {
    const [a, b] = await Promise.all([
      signatureOf(0.25, [4, 2], 'replace'),
      signatureOf(0.75, [1, 3], 'replace+recalibrate'),
    ]);
    const one = await patch(base, [{ signature: a!, alpha: 0.5 }]);
    expect(values(one.state, 'bn.running_var')).toEqual([4, 2]);
    expect(values(one.state, 'conv.weight')).toEqual([1.125, 2.125, 3.125, 4.125]);
    expect(one.report.recalibrate).toBe(false);
    const both = await patch(one, [{ signature: b!, alpha: -1 }]);
    expect(values(both.state, 'bn.running_var')).toEqual([2.5, 2.5]);
    expect(values(both.state, 'bn.weight')).toEqual([1.5, 1]);
    expect(both.report.recalibrate).toBe(true);
    expect(both.report.tensors.map(({ name }) => name)).toContain('bn.running_mean');
    const stored = parseSafetensors(serializeSafetensors(both.state, await patchedMetadata(both)));
    const { model } = await openPatched(stored.state, stored.metadata);
    expect(await stateSha256(unpatch(model, b!.id).state)).toBe(await stateSha256(one.state));
    expect(await stateSha256(unpatch(model, 'all').state)).toBe(await stateSha256(base));
    expect(scale(one, a!.id, 0).state.get('bn.running_var')).toBe(base.get('bn.running_var'));
    for (const tensors of [new Map([['bn.bias', 1]])]) {
      expect(() => scale(one, a!.id, { alpha: 1, tensors })).toThrow(
        expect.objectContaining({ code: 'RWS_OPTION_INVALID' }),
      );
    }
  });

  it('refuses to add to what another signature replaces', async () => {
    const [adding, replacing] = await Promise.all([
      signatureOf(0.25, [4, 2], 'delta'),
      signatureOf(0.5, [1, 3], 'replace'),
    ]);
    const together = [adding!, replacing!].map((signature) => ({ signature, alpha: 1 }));
    await expect(patch(base, together)).rejects.toMatchObject({
      code: 'RWS_SIGNATURES_DIFFER',
      message: expect.stringMatching(/adds to "bn\.\w+", .* replaces it/),
    });
  });
});

import { parseSafetensors, type StateDict, serializeSafetensors, toFloat32 } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { toyResnet, toyResnetUnits } from '../test/toy-resnet.ts';
import {
  asksForRecalibration,
  type BatchNormPolicy,
  batchNormRoles,
  dequantize,
  extract,
  openPatched,
  patch,
  patchedMetadata,
  signatureFromBytes,
  signatureToBytes,
  unpatch,
} from './index.ts';

const [init, standard, robust] = [toyResnet(0), toyResnet(0.1), toyResnet(0.4)];
const extracted = async (batchNorm: BatchNormPolicy, k = 1) => {
  const { signature } = await extract({ init, standard, robust, units: toyResnetUnits, k, batchNorm });
  return signatureFromBytes(signatureToBytes(signature));
};
const floats = (state: StateDict, name: string) => [...toFloat32(state.get(name)!)];

describe('batch norm', () => {
  it('is found by PyTorch’s names; counters are none of its tensors', () => {
    expect(Object.fromEntries(batchNormRoles(standard))).toEqual({
      'stem.bn.weight': 'scale',
      'stem.bn.bias': 'shift',
      'stem.bn.running_mean': 'mean',
      'stem.bn.running_var': 'variance',
      'layer1.bn.weight': 'scale',
      'layer1.bn.bias': 'shift',
      'layer1.bn.running_mean': 'mean',
      'layer1.bn.running_var': 'variance',
    });
  });

  const [conv, scale, shift, mean, variance] = toyResnetUnits[0]!;
  it.each<[BatchNormPolicy, (string | undefined)[], number]>([
    ['keep', [conv], 0],
    ['delta', [conv, scale, shift, mean, variance], 0],
    ['recalibrate', [conv, scale, shift], 0],
    ['replace', [conv], 8],
    ['replace+recalibrate', [conv], 8],
  ])('%s covers what it says', async (policy, added, replaced) => {
    const { tensors, batchNorm } = await extracted(policy);
    expect(batchNorm).toBe(policy);
    expect(tensors.filter(({ apply }) => apply === 'add').map(({ name }) => name)).toEqual(added);
    expect(tensors.filter(({ apply, unit }) => apply === 'replace' && unit === null)).toHaveLength(replaced);
    expect(asksForRecalibration(policy)).toBe(policy.includes('recalibrate'));
  });

  it('is a difference in full precision by default', async () => {
    const { signature } = await extract({
      init,
      standard,
      robust,
      units: toyResnetUnits,
      k: 1,
      projection: 'none',
    });
    expect(signature.batchNorm).toBe('delta');
    const clean = floats(standard, mean!);
    expect(floats(dequantize(signature), mean!)).toEqual(
      floats(robust, mean!).map((x, i) => Math.fround(x - clean[i]!)),
    );
  });

  it('never leaves a negative variance, and comes off exactly', async () => {
    const patched = await patch(standard, [{ signature: await extracted('delta', 2), alpha: -20 }]);
    const variances = ['stem', 'layer1'].flatMap((block) => floats(patched.state, `${block}.bn.running_var`));
    expect(Math.min(...variances)).toBe(0);
    expect(unpatch(patched, 'all').state).toBe(standard);
    const file = serializeSafetensors(patched.state, await patchedMetadata(patched));
    const { state, metadata } = parseSafetensors(file);
    expect(unpatch((await openPatched(state, metadata)).model, 'all').state).toEqual(standard);
  });

  it('is put in whole by replace, whatever the strength, and taken out again from the file', async () => {
    const signature = await extracted('replace');
    const patched = await patch(standard, [{ signature, alpha: 0.5 }]);
    for (const name of batchNormRoles(standard).keys()) {
      expect(floats(patched.state, name)).toEqual(floats(robust, name));
    }
    const file = serializeSafetensors(patched.state, await patchedMetadata(patched));
    const { state, metadata } = parseSafetensors(file);
    expect(unpatch((await openPatched(state, metadata)).model, 'all').state).toEqual(standard);
    const nothing = await patch(standard, [{ signature, alpha: 0 }]);
    for (const [name, tensor] of nothing.state) expect(tensor).toBe(standard.get(name));
  });

  it('by other names is passed in', async () => {
    const roles = new Map([[mean!, 'mean' as const]]);
    const { signature } = await extract({
      ...{ init, standard, robust, units: toyResnetUnits, k: 1 },
      ...{ batchNorm: 'keep', batchNormRoles: roles },
    });
    expect(signature.tensors.map(({ name }) => name)).toEqual([conv, scale, shift, variance]);
  });

  it('that one checkpoint lacks is named', async () => {
    const lacking = new Map([...robust].filter(([name]) => name !== 'layer1.bn.bias'));
    const extraction = extract({
      ...{ init, standard, robust: lacking, units: toyResnetUnits, k: 1, batchNorm: 'replace' },
    });
    await expect(extraction).rejects.toMatchObject({
      code: 'RWS_STATES_DIFFER',
      message: expect.stringContaining('"layer1.bn.bias" is missing in robust'),
    });
  });
});

import { stateSha256, tensorData, tensorSha256 } from '@proj/tensor-io';
import { expect, it } from 'vitest';
import { hashState, hashTensors } from './hashing.ts';

it("hashes of many tensors at once are tensor-io's, whatever their sizes and names", async () => {
  const names = ['b', '', 'a', '\u{1f600}', '\uffff', 'é', 'a.b', 'e\u0301'];
  const state = new Map(
    names.map((name, i) => [name, tensorData('F32', [i * 9000], new Float32Array(i * 9000).fill(i))]),
  );
  const known = new Map([['a', await tensorSha256(state.get('a')!)]]);
  expect(await hashState(state, known)).toBe(await stateSha256(state));
  for (const [name, tensor] of state) expect(known.get(name)).toBe(await tensorSha256(tensor));
  const wrong = new Map([['a', 'taken as it is']]);
  await hashTensors(state, ['a'], wrong);
  expect(wrong.get('a')).toBe('taken as it is');
});

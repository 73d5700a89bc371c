import { describe, expect, it } from 'vitest';
import { codeOf, rejectionCode } from '../test/code-of.ts';
import { MALFORMED_SAFETENSORS, ODD_SAFETENSORS } from '../test/malformed-safetensors.ts';
import { openSafetensors } from './lazy.ts';
import { parseSafetensors } from './safetensors.ts';

describe('malformed safetensors files', () => {
  it.each(MALFORMED_SAFETENSORS)('refuses $name with $code', async ({ bytes, code }) => {
    expect(codeOf(() => parseSafetensors(bytes))).toBe(code);
    expect(await rejectionCode(openSafetensors(bytes))).toBe(code);
  });

  it.each(ODD_SAFETENSORS)('reads $name', async ({ bytes, names }) => {
    expect([...parseSafetensors(bytes).state.keys()]).toEqual(names);
    expect([...(await (await openSafetensors(bytes)).state()).keys()]).toEqual(names);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeOf, rejectionCode } from '../test/code-of.ts';
import { testFile } from '../test/files.ts';
import { MALFORMED_SAFETENSORS, ODD_SAFETENSORS, safetensorsFile } from '../test/malformed-safetensors.ts';
import { openSafetensors } from './lazy.ts';
import { parseSafetensors, serializeSafetensors } from './safetensors.ts';
import { tensorData } from './tensor.ts';

describe('malformed safetensors files', () => {
  it.each(MALFORMED_SAFETENSORS)('refuses $name with $code', async ({ bytes, code }) => {
    expect(codeOf(() => parseSafetensors(bytes))).toBe(code);
    expect(await rejectionCode(openSafetensors(bytes))).toBe(code);
  });

  it.each(ODD_SAFETENSORS)('reads $name', async ({ bytes, names }) => {
    expect([...parseSafetensors(bytes).state.keys()]).toEqual(names);
    expect([...(await (await openSafetensors(bytes)).state()).keys()]).toEqual(names);
  });

  it('are refused at least where the reference implementation refuses them', () => {
    const verdicts = new Map<string, string>(
      Object.entries(JSON.parse(readFileSync(testFile('reference-verdicts.json'), 'utf8'))),
    );
    const verdict = (name: string) => expect(verdicts.get(name), `ask the reference about: ${name}`);
    for (const { name } of ODD_SAFETENSORS) verdict(name).toBe('accepted');
    const stricter = MALFORMED_SAFETENSORS.filter(({ name }) => verdicts.get(name) === 'accepted');
    for (const { name } of MALFORMED_SAFETENSORS) verdict(name).toBeDefined();
    // The specification and its schema forbid these; the reference lets them pass.
    expect(stricter.map(({ name }) => name)).toEqual([
      'leading space',
      'leading line feed',
      'duplicate name',
      'duplicate name by escape',
      'duplicate __proto__',
      'duplicate empty name',
      'duplicate metadata key',
      'metadata null',
      'entry with a field too many',
    ]);
  });

  it('name the source, the tensor and the values in their messages', () => {
    const bytes = safetensorsFile('{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,4]}}', 4);
    expect(() => parseSafetensors(bytes, 'model.safetensors')).toThrow(
      'model.safetensors: tensor "w": F32 of shape [2, 2] takes 16 bytes, data_offsets [0, 4] span 4.',
    );
  });

  it('leave Object.prototype alone, whatever the names', () => {
    const before = Object.getOwnPropertyNames(Object.prototype);
    for (const { bytes } of MALFORMED_SAFETENSORS) codeOf(() => parseSafetensors(bytes));
    for (const { bytes } of ODD_SAFETENSORS) parseSafetensors(bytes);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect('dtype' in {}).toBe(false);
  });
});

describe('a damaged safetensors file', () => {
  const file = serializeSafetensors(
    new Map([
      ['blocks.0.weight', tensorData('F32', [2, 3], [1, 2, 3, 4, 5, 6])],
      ['blocks.0.bias', tensorData('F16', [3], [1, 2, 3])],
      ['steps', tensorData('I64', [], [7n])],
    ]),
    new Map([['format', 'pt']]),
  );

  it('is refused when cut off at any byte', async () => {
    for (let length = 0; length < file.length; length++) {
      const cut = file.slice(0, length);
      expect(
        codeOf(() => parseSafetensors(cut)),
        `${length} bytes`,
      ).toBe('TIO_TRUNCATED');
      expect(await rejectionCode(openSafetensors(cut)), `${length} bytes`).toBe('TIO_TRUNCATED');
    }
  });

  it('is refused with a code or read whole when any bit of its length or header flips', () => {
    const headerEnd = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    const codes = new Map<string, number>();
    for (let bit = 0; bit < headerEnd * 8; bit++) {
      const flipped = file.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      const code = codeOf(() => {
        const { state } = parseSafetensors(flipped);
        const bytes = [...state.values()].reduce((sum, tensor) => sum + tensor.bytes.length, 0);
        expect(bytes).toBe(file.length - headerEnd);
      });
      codes.set(code ?? 'read', (codes.get(code ?? 'read') ?? 0) + 1);
    }
    // Flips inside names and metadata make another valid file; a checksum is no part of the format.
    expect(codes.get('read')! / (headerEnd * 8)).toBeLessThan(0.2);
    expect(codes.size).toBeGreaterThan(8);
  });
});

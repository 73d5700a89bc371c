import { createTar } from 'nanotar';
import { describe, expect, it } from 'vitest';
import { filesInTar } from './tar.ts';

const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => i * 7 + 1);
const entries = [
  { name: 'folder/' },
  { name: 'folder/empty', data: new Uint8Array(0) },
  { name: 'folder/one-block', data: bytes(512) },
  { name: 'last', data: bytes(700) },
];
const tar = createTar(entries);

/** With a header's field replaced and its checksum made right again. */
function withField(offset: number, value: string): Uint8Array {
  const changed = tar.slice();
  const header = changed.subarray(512, 1024); // Of folder/empty.
  header.set(new TextEncoder().encode(value), offset);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return changed;
}

describe('a tar archive', () => {
  it('gives its files by name', () => {
    const expected = entries.slice(1).map(({ name, data }) => [name, data]);
    expect([...filesInTar(tar)]).toEqual(expected);
  });

  it('may be a view of a larger buffer, and its prefix field may hold the path', () => {
    const larger = new Uint8Array(tar.length + 100);
    larger.set(tar, 50);
    expect([...filesInTar(larger.subarray(50, 50 + tar.length)).keys()]).toEqual([...filesInTar(tar).keys()]);
    expect([...filesInTar(withField(345, 'deep'))][0]![0]).toBe('deep/folder/empty');
  });

  it('passes links and extended headers over', () => {
    for (const kind of ['1', '2', 'x', 'g', 'L']) {
      expect([...filesInTar(withField(156, kind)).keys()]).toEqual(['folder/one-block', 'last']);
    }
  });

  it('is refused when it ends inside a file', () => {
    for (const end of [3072 - 100, 2560])
      expect(() => filesInTar(tar.subarray(0, end))).toThrow('the tar ends at byte');
  });

  it('whose header has a flipped bit is refused, or the bit meant nothing', () => {
    for (let i = 512 * 8; i < 1024 * 8; i++) {
      const flipped = tar.slice();
      flipped[i >> 3]! ^= 1 << (i & 7);
      const inChecksum = (i >> 3) - 512 >= 148 && (i >> 3) - 512 < 156;
      let names: string[] | undefined;
      try {
        names = [...filesInTar(flipped).keys()];
      } catch (error) {
        expect(error).toMatchObject({ code: 'DS_BAD_DATA' });
      }
      if (!inChecksum) expect(names, `bit ${i}`).toBeUndefined();
      else if (names !== undefined) expect(names).toEqual([...filesInTar(tar).keys()]);
    }
  });

  it('is refused when a size is negative, no number, or beyond the end', () => {
    expect(() => filesInTar(withField(124, '-0000001000\0'))).toThrow('no tar header');
    expect(() => filesInTar(withField(124, '9\0'))).toThrow('no tar header');
    expect(() => filesInTar(withField(124, '77777777777\0'))).toThrow('the tar ends at byte');
  });
});

import { relaxed } from './generated/relaxed.ts';
import { reproducible } from './generated/reproducible.ts';
import { wide } from './generated/wide.ts';

/**
 * How products compute: `reproducible`, plain SIMD128, the same bits on every machine; `relaxed`, with fused multiply-add, where
 * the engine has relaxed SIMD; `wide`, the same in tiles that V8's revectorizer turns into 256-bit operations.
 */
export type Flavour = 'reproducible' | 'relaxed' | 'wide';

const MODULES = { reproducible, relaxed, wide };

/** The import of "env" "memory", at most 4 GiB where it is shared, which a module has to say. */
const IMPORT = {
  own: '\x02\x0f\x01\x03env\x06memory\x02\x00\x00',
  shared: '\x02\x12\x01\x03env\x06memory\x02\x03\x00\x80\x80\x04',
};

/** A flavour's module as bytes, for a memory that is shared or not. */
export function moduleBytes(flavour: Flavour, shared = false): Uint8Array<ArrayBuffer> {
  const { before, after } = MODULES[flavour];
  const text = atob(before) + (shared ? IMPORT.shared : IMPORT.own) + atob(after);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

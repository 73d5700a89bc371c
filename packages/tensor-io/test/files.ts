import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Path of a file in `test/files`. */
export function testFile(name: string): string {
  return fileURLToPath(new URL(`./files/${name}`, import.meta.url));
}

/** Bytes of a file in `test/files`, in an array of their own. */
export function testBytes(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(testFile(name)));
}

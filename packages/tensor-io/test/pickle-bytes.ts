import { type ZipPart, zipFile } from './zip-file.ts';

/** Opcodes by hand: text is Latin-1, so that '\x80' is one byte. */
export function bytesOf(...parts: readonly (string | readonly number[])[]): Uint8Array {
  return new Uint8Array(
    parts.flatMap((part) => (typeof part === 'string' ? Array.from(part, (c) => c.charCodeAt(0)) : part)),
  );
}

/** A string opcode. */
export function str(text: string): string {
  return `X${String.fromCharCode(text.length & 255, text.length >>> 8)}\0\0${text}`;
}

/** A dict of one entry, whose value these opcodes make, as a pickle of protocol 2. */
export function dictOf(value: string, name = 'w'): string {
  return `\x80\x02}${str(name)}${value}s.`;
}

/** A persistent id: storage `key` of `count` elements. */
export function storage(type = 'FloatStorage', key = '0', count = 4): string {
  return `(${str('storage')}ctorch\n${type}\n${str(key)}${str('cpu')}K${String.fromCharCode(count)}tQ`;
}

/** A tuple of small integers. */
export function tuple(...values: readonly number[]): string {
  return `(${values.map((value) => `K${String.fromCharCode(value)}`).join('')}t`;
}

/** A tensor of opcodes for storage, offset, size and strides. */
export function tensor(
  source = storage(),
  offset = 'K\0',
  size = tuple(2, 2),
  strides = tuple(2, 1),
  more = '\x89N',
): string {
  return `ctorch._utils\n_rebuild_tensor_v2\n(${source}${offset}${size}${strides}${more}tR`;
}

/** A `.pth` file of a pickle and storages of 16 zero bytes called 0 and 1. */
export function pthFile(pickle: string | Uint8Array, more: readonly ZipPart[] = []): Uint8Array<ArrayBuffer> {
  const data = typeof pickle === 'string' ? bytesOf(pickle) : pickle;
  const zeros = new Uint8Array(16);
  return zipFile([
    { name: 'x/data.pkl', data },
    { name: 'x/data/0', data: zeros },
    { name: 'x/data/1', data: zeros },
    ...more,
  ]);
}

/** Raw deflate (RFC 1951) by the platform's own CompressionStream. */
export async function deflate(data: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const stream = data.stream().pipeThrough(new CompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Inflates to exactly `size` bytes; undefined when the data is damaged, holds less or more, or is followed by anything.
 * Stops reading at the first byte too many, so that a small file cannot fill the memory.
 */
export async function inflate(data: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array | undefined> {
  const inflated = new Uint8Array(size);
  if (!(await inflateInto(inflated, data))) return undefined;
  // Browsers refuse bytes after the end of a stream, Node 20 does not. With them, the stream is whole without the last one.
  return (await inflateInto(inflated, data.subarray(0, -1))) ? undefined : inflated;
}

/** Whether the data is a deflate stream of exactly the bytes that `inflated` has room for, which it then holds. */
async function inflateInto(inflated: Uint8Array, data: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return length === inflated.length;
      if (length + value.length > inflated.length) {
        await reader.cancel();
        return false;
      }
      inflated.set(value, length);
      length += value.length;
    }
  } catch {
    // Which error a stream reports for damaged data depends on the platform; the caller names the file's field.
    return false;
  }
}

/** Raw deflate (RFC 1951) by the platform's own CompressionStream. */
export async function deflate(data: Blob): Promise<Uint8Array<ArrayBuffer>> {
  const stream = data.stream().pipeThrough(new CompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * Inflates to exactly `size` bytes; undefined when the data is damaged or holds less or more. Stops reading at the
 * first byte too many, so that a small file cannot fill the memory.
 */
export async function inflate(data: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array | undefined> {
  const inflated = new Uint8Array(size);
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return length === size ? inflated : undefined;
      if (length + value.length > size) {
        await reader.cancel();
        return undefined;
      }
      inflated.set(value, length);
      length += value.length;
    }
  } catch {
    // Which error a stream reports for damaged data depends on the platform; the caller names the file's field.
    return undefined;
  }
}

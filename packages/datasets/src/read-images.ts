/** Images [n, height, width, channels] read one by one, a few at a time, so that files and memory stay few. */
export async function readImages(
  count: number,
  imageBytes: number,
  read: (i: number) => Promise<Uint8Array>,
) {
  const out = new Uint8Array(count * imageBytes);
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const i = next++;
      try {
        out.set(await read(i), i * imageBytes);
      } catch (error) {
        next = count; // The others finish the image they have and stop.
        throw error;
      }
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(count, 8) }, worker));
  for (const result of workers) if (result.status === 'rejected') throw result.reason;
  return out;
}

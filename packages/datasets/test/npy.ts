/** What numpy.save writes for a C-ordered array. */
export function npy(descr: string, shape: number[], data: ArrayBufferView): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`.padEnd(117);
  const head = Uint8Array.of(0x93, ...new TextEncoder().encode(`NUMPY\u0001\u0000v\u0000${header}\n`));
  return Uint8Array.of(...head, ...new Uint8Array(data.buffer));
}

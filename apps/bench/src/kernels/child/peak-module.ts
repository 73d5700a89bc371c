// A WebAssembly module that does nothing but arithmetic in registers, put together byte by byte: what a loop of it reaches is what
// the machine has to give.

/** `x * m + b` as a multiplication and an addition, or as one fused operation (relaxed SIMD). */
export type PeakOperation = 'mul-add' | 'fma';

/**
 * As many independent sums as keep the arithmetic units busy: two pipes with 4 cycles from an operand to its result need 8, and
 * two constants leave 14 of 16 registers.
 */
const SUMS = 12;

const opcode = { mul: [0xfd, 0xe6, 0x01], add: [0xfd, 0xe4, 0x01], fma: [0xfd, 0x85, 0x02] };
const memoryOffset = (bytes: number) => [0x04, ...leb(bytes)];

/** What one turn of the loop computes, of 128-bit registers or of 256-bit ones. */
export const flopPerTurn = (wide: boolean): number => SUMS * 2 * (wide ? 8 : 4);

/**
 * A module with `memory` and `run(turns)`. The wide one works on pairs of neighbours, which V8's revectorizer joins into 256-bit
 * operations where it is on; elsewhere it has twice the registers that there are, and is slow.
 */
export function peakModule(operation: PeakOperation, wide: boolean): Uint8Array<ArrayBuffer> {
  const lanes = wide ? 2 : 1;
  const sums = SUMS * lanes;
  // Locals: 0 the turns left, then the sums, then m and b for each lane of a pair.
  const sum = (index: number) => 1 + index;
  const m = (index: number) => 1 + sums + (index % lanes);
  const b = (index: number) => 1 + sums + lanes + (index % lanes);
  const locals = sums + 2 * lanes;
  const each = <T>(count: number, make: (index: number) => readonly T[]): T[] =>
    Array.from({ length: count }, (_, index) => make(index)).flat();
  const get = (local: number) => [0x20, ...leb(local)];
  const set = (local: number) => [0x21, ...leb(local)];
  const load = (local: number) => [0x41, 0, 0xfd, 0x00, ...memoryOffset(16 * (local - 1)), ...set(local)];
  const store = (local: number) => [0x41, 0, ...get(local), 0xfd, 0x0b, ...memoryOffset(16 * (local - 1))];
  const step = (index: number) => [
    ...get(sum(index)),
    ...get(m(index)),
    ...(operation === 'fma'
      ? [...get(b(index)), ...opcode.fma]
      : [...opcode.mul, ...get(b(index)), ...opcode.add]),
    ...set(sum(index)),
  ];
  const body = [
    // `locals` locals of type v128
    ...[1, ...leb(locals), 0x7b],
    ...each(locals, (index) => load(1 + index)),
    ...[0x03, 0x40],
    ...each(sums, step),
    // turns = turns - 1; again while it is not 0
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0],
    0x0b,
    ...each(sums, (index) => store(sum(index))),
    0x0b,
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text('memory'), 2, 0, ...text('run'), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

/** Values that neither grow nor vanish: x / 2 + 1 tends to 2. Laid out as the module reads them. */
export function fillPeakMemory(memory: WebAssembly.Memory, wide: boolean): void {
  const lanes = wide ? 8 : 4;
  const values = new Float32Array(memory.buffer);
  values.fill(0.5, 0, (SUMS + 1) * lanes);
  values.fill(1, (SUMS + 1) * lanes, (SUMS + 2) * lanes);
}

const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
const text = (name: string) => [name.length, ...new TextEncoder().encode(name)];

/** An unsigned number in LEB128. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

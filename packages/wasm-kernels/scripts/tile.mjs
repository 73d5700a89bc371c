/**
 * AssemblyScript of the innermost kernel: a tile of C, `rows` x (4 `vectors`), in as many registers. Written by a program because
 * registers are local variables, which the language cannot count.
 *
 * Each element is the plain sum over k in order, without splitting it, so that its bits depend on nothing but its row of A and
 * its column of B. V8 hoists loads to the top of a loop's body: unrolling over k, or any more live values around the loop,
 * spills sums and halves the speed.
 */
export function tileSource({ rows, vectors }) {
  const each = (count, line) => Array.from({ length: count }, (_, i) => line(i)).join('');
  const sums = (line) => each(rows, (i) => each(vectors, (j) => line(i, j)));
  const lane = (j) => (j === 0 ? '' : `, ${16 * j}`);
  const row = (base, i) => (i === 0 ? base : `${base} + ${i} * cStep`);
  return `import { madd } from './lanes';

export const ROWS: i32 = ${rows};
export const COLUMNS: i32 = ${4 * vectors};

@inline
function multiply(depth: i32, a: usize, b: usize, bStep: usize, from: usize, c: usize, cStep: usize, add: bool): void {
${sums((i, j) => `  let x${i}_${j} = add ? v128.load(${row('from', i)}${lane(j)}) : f32x4.splat(0);\n`)}
  const end = a + ${4 * rows} * <usize>depth;
  while (a < end) {
${each(vectors, (j) => `    const b${j} = v128.load(b${lane(j)});\n`)}
${each(
  rows,
  (i) => `    const s${i} = v128.load32_splat(a, ${4 * i});
${each(vectors, (j) => `    x${i}_${j} = madd(s${i}, b${j}, x${i}_${j});\n`)}`,
)}
    a += ${4 * rows};
    b += bStep;
  }
${sums((i, j) => `  v128.store(${row('c', i)}, x${i}_${j}${lane(j)});\n`)}}

/** C [ROWS, COLUMNS] (rows \`cStep\` bytes apart) = A-panel x B over \`depth\`; B's rows are \`bStep\` bytes apart. */
export function tile(depth: i32, a: usize, b: usize, bStep: usize, c: usize, cStep: usize): void {
  multiply(depth, a, b, bStep, c, c, cStep, false);
}

/** C = FROM + A-panel x B; FROM has the row step of C, and may be C. */
export function tileAdding(
  depth: i32,
  a: usize,
  b: usize,
  bStep: usize,
  from: usize,
  c: usize,
  cStep: usize,
): void {
  multiply(depth, a, b, bStep, from, c, cStep, true);
}
`;
}

import '@proj/ops/gradients';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { values } from '../test/backends.ts';
import './install.ts';

const SIZES: Readonly<Record<string, number>> = { a: 2, b: 3, c: 4, d: 5, e: 6, i: 4, j: 4 };
const shape = (term: string): number[] => [...term].map((label) => SIZES[label]!);

/** The definition: for every value of every label, the operands' product is added to the output's element. */
function definition(terms: readonly string[], operands: readonly tf.Tensor[], output: string): Float64Array {
  const labels = [...new Set(terms.join('') + output)];
  const data = operands.map((operand) => operand.dataSync());
  const y = new Float64Array(shape(output).reduce((a, b) => a * b, 1));
  const place = (term: string, at: Readonly<Record<string, number>>): number =>
    [...term].reduce((index, label) => index * SIZES[label]! + at[label]!, 0);
  const visit = (depth: number, at: Record<string, number>): void => {
    const label = labels[depth];
    if (label === undefined) {
      y[place(output, at)]! += terms.reduce((p, term, i) => p * data[i]![place(term, at)]!, 1);
      return;
    }
    for (let i = 0; i < SIZES[label]!; i++) visit(depth + 1, { ...at, [label]: i });
  };
  visit(0, {});
  return y;
}

const labels = fc.shuffledSubarray([...'abcde'], { minLength: 1, maxLength: 4 });
/** Two operands' labels, and those of the output in any order. */
const equations = fc
  .tuple(labels, labels)
  .chain(([a, b]) => fc.tuple(fc.constant([a, b]), fc.shuffledSubarray([...new Set([...a, ...b])])));

/** Holds `tf.einsum` against the definition, and counts what it leaves behind. */
function check(terms: readonly string[], output: string): void {
  const operands = terms.map((term, i) => values(shape(term), i));
  const before = tf.memory().numDataBuffers;
  const y = tf.einsum(`${terms.join(', ')} -> ${output}`, ...operands);
  expect(y.shape).toEqual(shape(output));
  const wanted = definition(terms, operands, output);
  for (const [i, value] of [...y.dataSync()].entries()) expect(value).toBeCloseTo(wanted[i]!, 4);
  tf.dispose([y]);
  expect(tf.memory().numDataBuffers).toBe(before);
  tf.dispose(operands);
}

beforeAll(() => tf.setBackend('wasm'));

describe('tf.einsum on wasm, where tfjs has none', () => {
  it('agrees with its definition for random equations of two operands', () => {
    fc.assert(
      fc.property(equations, ([terms, output]) =>
        check(
          terms.map((term) => term.join('')),
          output.join(''),
        ),
      ),
      { numRuns: 100, seed: 13 },
    );
  });

  it.each([
    ['abc', 'cab'],
    ['abc', 'b'],
    ['ab', ''],
    ['ab', 'ab'],
    ['abce,adce', 'acbd'],
    ['acbd,adce', 'abce'],
    ['ij,aj', 'ia'],
    ['ji,ja', 'ia'],
    ['i,i', ''],
    ['i,j', 'ij'],
  ])('agrees for %s -> %s', (terms, output) => {
    check(terms.split(','), output);
  });

  it('has gradients, which are exact differences, being linear in each operand', () => {
    const dot = (a: tf.Tensor, b: tf.Tensor): number => tf.sum(tf.mul(a, b)).dataSync()[0]!;
    fc.assert(
      fc.property(equations, ([terms, output]) => {
        tf.tidy(() => {
          const run = (...operands: tf.Tensor[]): tf.Tensor =>
            tf.einsum(`${terms.map((term) => term.join('')).join()}->${output.join('')}`, ...operands);
          const [a, b] = terms.map((term, i) => values(shape(term.join('')), i)) as [tf.Tensor, tf.Tensor];
          const dy = values(run(a, b).shape, 5);
          const [da, db] = tf.grads(run)([a, b], dy) as [tf.Tensor, tf.Tensor];
          expect([da.shape, db.shape]).toEqual([a.shape, b.shape]);
          const [towards, away] = [values(a.shape, 7), values(b.shape, 8)];
          expect(dot(da, towards) / (1 + tf.norm(da).dataSync()[0]!)).toBeCloseTo(
            dot(dy, run(towards, b)) / (1 + tf.norm(da).dataSync()[0]!),
            4,
          );
          expect(dot(db, away) / (1 + tf.norm(db).dataSync()[0]!)).toBeCloseTo(
            dot(dy, run(a, away)) / (1 + tf.norm(db).dataSync()[0]!),
            4,
          );
        });
      }),
      { numRuns: 100, seed: 17 },
    );
  });

  it('refuses sizes that do not fit, leaving nothing behind', () => {
    const [a, b] = [values([2, 3], 1), values([4, 3], 2)];
    const before = tf.memory().numTensors;
    expect(() => tf.einsum('ij,jk->ik', a, b)).toThrow(/Expected dimension 3/);
    expect(tf.memory().numTensors).toBe(before);
  });
});

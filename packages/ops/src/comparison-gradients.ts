import { registerGradient, zeros } from '@tensorflow/tfjs-core';

/** Operations whose results are truth values, and the names of their operands. */
const COMPARISONS: Readonly<Record<string, readonly string[]>> = {
  Equal: ['a', 'b'],
  NotEqual: ['a', 'b'],
  Greater: ['a', 'b'],
  GreaterEqual: ['a', 'b'],
  Less: ['a', 'b'],
  LessEqual: ['a', 'b'],
  LogicalAnd: ['a', 'b'],
  LogicalOr: ['a', 'b'],
  LogicalNot: ['x'],
};

/**
 * Lets a gradient pass by comparisons: they are constant almost everywhere, so that theirs is zero, e.g. of x in
 * `tf.where(tf.greater(x, 0), x, y)`. tfjs-core has none for most of them, and fails.
 */
export function registerComparisonGradients(): void {
  for (const [kernelName, operands] of Object.entries(COMPARISONS)) {
    registerGradient({
      kernelName,
      inputsToSave: [...operands],
      gradFunc: (_dy, saved) =>
        Object.fromEntries(operands.map((name, i) => [name, () => zeros(saved[i]!.shape)])),
    });
  }
}

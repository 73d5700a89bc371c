/**
 * Registers tfjs-core's own gradients, so that `tf.grads` differentiates `tf.add`, `tf.concat`, `tf.slice` and the like: `import '@proj/ops/gradients'`.
 *
 * tfjs-core registers none when Node imports it. The definitions are tfjs-core's, run on the copy of it that the program has.
 */
import './generated/gradients.js';

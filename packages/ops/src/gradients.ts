/**
 * Registers tfjs-core's own gradients, so that `tf.grads` differentiates `tf.add`, `tf.concat`, `tf.slice` and the like: `import '@proj/ops/gradients'`.
 *
 * tfjs-core registers none when Node imports it. The definitions are tfjs-core's, run on the copy of it that the program has.
 * Those of max pooling refuse tfjs-wasm's own kernels, which are wrong (`OpsError` `OPS_WRONG_KERNEL`).
 */
import './generated/gradients.js';
import { refuseWrongMaxPoolGradients } from './max-pool-gradient.ts';

refuseWrongMaxPoolGradients();

/**
 * Registers tfjs-core's own gradients, so that `tf.grads` differentiates `tf.add`, `tf.concat`, `tf.slice` and the like: `import '@proj/ops/gradients'`.
 *
 * tfjs-core registers none when Node imports it. The definitions are tfjs-core's, run on the copy of it that the program has.
 * Those that are wrong or missing there are put right: of matMul, maximum, minimum and squaredDifference where an operand is
 * broadcast, of padded average pooling, cumsum, prod and einsum, and of comparisons, which is zero. Those that cannot be are refused
 * (`OpsError` `OPS_WRONG_KERNEL`), as that of max pooling with tfjs-wasm's own kernels.
 */
import './generated/gradients.js';
import { repairAveragePoolGradients } from './average-pool-gradient.ts';
import { repairAxisGradients } from './axis-gradients.ts';
import { repairBroadcastGradients } from './broadcast-gradients.ts';
import { registerComparisonGradients } from './comparison-gradients.ts';
import { registerEinsumGradient } from './einsum-gradient.ts';
import { refuseWrongMaxPoolGradients } from './max-pool-gradient.ts';
import { refuseWrongGradients } from './refused-gradients.ts';

refuseWrongMaxPoolGradients();
refuseWrongGradients();
repairAveragePoolGradients();
repairBroadcastGradients();
repairAxisGradients();
registerComparisonGradients();
registerEinsumGradient();

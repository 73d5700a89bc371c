import * as tf from '@tensorflow/tfjs-core';

/**
 * Mean entropy, in nats, of the softmax of logits [rows, classes]; a scalar. Its gradient, −p·(log p + H) / rows, is written out, so that none
 * of tfjs's own has to be registered for it.
 */
export function meanEntropyLoss(logits: tf.Tensor): tf.Scalar {
  return tf.customGrad((given, keep) => {
    const values = given as tf.Tensor;
    const save = keep as tf.GradSaveFunc;
    const logProbabilities = tf.logSoftmax(values);
    const probabilities = tf.exp(logProbabilities);
    const entropies = tf.neg(tf.sum(tf.mul(probabilities, logProbabilities), -1, true));
    save([logProbabilities, probabilities, entropies]);
    const rows = values.shape[0]!;
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [logP, p, entropy] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return tf.mul(tf.mul(tf.neg(p), tf.add(logP, entropy)), tf.div(dy, rows));
    };
    return { value: tf.mean(entropies), gradFunc };
  })(logits) as tf.Scalar;
}

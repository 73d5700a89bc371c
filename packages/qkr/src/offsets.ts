/**
 * Whether a parameter is best left out of training: `move_qkx_aft.bias`, the shift after the keys' quantizer. It adds the same to all scores
 * of a query, which the softmax does not see, so that its gradient is 0.
 *
 * What arrives instead is rounding noise, and Adam with its usual eps of 1e-8 makes full-size steps of it. The reference code trains it.
 * Left out, it stays what it is (0 in a fresh model), and neither values nor any other gradient change.
 *
 * `move_qkx_b4.bias`, the shift before, is not left out: an entry's gradient is 0 too where none of its keys is clipped (98 % of them in a
 * fresh DeiT-Tiny at 4 bits, 2 % at 2 bits), but the others learn. {@link leastEps} keeps the rest still.
 */
export function leftOutOfTraining(name: string): boolean {
  return name === 'move_qkx_aft.bias' || name.endsWith('.move_qkx_aft.bias');
}

/** The least `eps` with which Adam does not make steps of the rounding noise in the gradients of `move_qkx_b4.bias`. */
export const leastEps = 1e-6;

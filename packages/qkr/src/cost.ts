import { type AttentionSizes, requireBits, requireSizes } from './spec.ts';

/** What an attention costs, for one image unless said otherwise. Bytes of activations and latent weights are those of float32. */
export interface AttentionCost {
  /** Multiplications from tokens to scores. */
  readonly scoreMacs: number;
  /** Those, and for values, probabilities times values, and proj. */
  readonly macs: number;
  /** Multiplications that make the merged weight: for every training step, whatever the batch; never again once it is packed. */
  readonly mergeMacs: number;
  /** On disk: codes of the weights from which scores are made, and a float32 scale for each row. */
  readonly scoreWeightBytes: number;
  /** In training: latent W_q and W_k, and what is merged from them. */
  readonly latentBytes: number;
  /** Queries and keys; with QKR the tokens are the queries. */
  readonly queryKeyBytes: number;
}

/**
 * Attention with query and key weights of its own: 2 N C² + N² C multiplications for the scores.
 *
 * @param bits of the weights
 * @throws {QkrError} QKR_OPTION_INVALID.
 */
export function plainAttentionCost(sizes: AttentionSizes, bits: number): AttentionCost {
  requireSizes(sizes);
  requireBits({ bits });
  const { tokens, width } = sizes;
  const scoreMacs = 2 * tokens * width ** 2 + tokens ** 2 * width;
  return {
    scoreMacs,
    macs: scoreMacs + restMacs(sizes),
    mergeMacs: 0,
    scoreWeightBytes: packedBytes(2 * width, width, bits),
    latentBytes: 4 * 2 * width ** 2,
    queryKeyBytes: 4 * 2 * tokens * width,
  };
}

/**
 * Attention with QKR: each head has a whole [C, C] weight, so H N C² + H N² C multiplications for the scores, and C³ to merge it.
 *
 * @param bits of the weights
 * @throws {QkrError} QKR_OPTION_INVALID.
 */
export function qkrAttentionCost(sizes: AttentionSizes, bits: number): AttentionCost {
  requireSizes(sizes);
  requireBits({ bits });
  const { tokens, width, heads } = sizes;
  const scoreMacs = heads * tokens * width ** 2 + heads * tokens ** 2 * width;
  return {
    scoreMacs,
    macs: scoreMacs + restMacs(sizes),
    mergeMacs: width ** 3,
    scoreWeightBytes: packedBytes(heads * width, width, bits),
    latentBytes: 4 * (2 + heads) * width ** 2,
    queryKeyBytes: 4 * heads * tokens * width,
  };
}

/** Values, probabilities times values, and proj, which both have. */
const restMacs = ({ tokens, width }: AttentionSizes): number => 2 * tokens * width ** 2 + tokens ** 2 * width;

const packedBytes = (rows: number, columns: number, bits: number): number =>
  Math.ceil((rows * columns * bits) / 8) + 4 * rows;

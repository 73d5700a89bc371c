import { type Bits, type LsqQuantizer, lsqPlusRows, lsqRows } from '@proj/quant-stats';
import type { QuantizedDesign } from './design.ts';

/** The quantizer of weights [out, in] of the baselines, a step for each row. */
export const lsqWeight = (
  weights: Exclude<QuantizedDesign['weights'], 'statsq'>,
  bits: Bits,
): LsqQuantizer => (weights === 'lsq' ? lsqRows(bits) : lsqPlusRows(bits));

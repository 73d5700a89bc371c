/** Says by its name whether a parameter is a weight that CGA freezes. */
export type TargetRule = (name: string) => boolean;

/**
 * The published rules. All freeze the weights of `fc1`, `fc2` and `proj`, the DeiT ones within blocks only:
 * - `deitQkr`: and of `v`, with QKR; W_q and W_k train on, since only their product is quantized ({@link frozenGradient}).
 * - `deit`: and of `qkv`, without QKR.
 * - `swinQkr`, `swin`: as these, and of `reduction`.
 *
 * From `cga.py` of the reference code, where they are rules on modules (`'blocks' in name and name.endswith(...)`).
 */
export const targetRules = {
  deitQkr: within('blocks', ['fc1', 'fc2', 'v', 'proj']),
  deit: within('blocks', ['fc1', 'fc2', 'qkv', 'proj']),
  swinQkr: within('', ['fc1', 'fc2', 'v', 'proj', 'reduction']),
  swin: within('', ['fc1', 'fc2', 'qkv', 'proj', 'reduction']),
} as const satisfies Readonly<Record<string, TargetRule>>;

function within(part: string, layers: readonly string[]): TargetRule {
  const weights = layers.map((layer) => `${layer}.weight`);
  return (name) =>
    name.includes(part) && weights.some((weight) => name === weight || name.endsWith(`.${weight}`));
}

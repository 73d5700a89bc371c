import { formatLayerBits, type LayerBits, parseLayerBits } from './bits.ts';
import { QuantStatsError } from './error.ts';

/** Bits by parameter-name prefix, e.g. `{ default: 'w2a2', patch_embed: 'w8a8', head: 'w8a8' }`. */
export type BitPlan = Readonly<Record<string, string>>;

/** The bits of one layer, and the key of the plan that gave them. */
export interface ResolvedBits extends LayerBits {
  readonly rule: string;
}

const DEFAULT = 'default';

/**
 * Bits of every layer. A key fits a name that it is, or that goes on after it with a dot or an underscore: `head` fits `head`, `head.fc`
 * and `head_dist`; `blocks.1` fits `blocks.1.mlp.fc1`, and not `blocks.10.mlp.fc1`. The longest key that fits wins; `default` fits what no other does.
 *
 * @param layers Names of all layers that can be quantized, e.g. `blocks.0.mlp.fc1`.
 * @throws {QuantStatsError} `QS_BIT_PLAN_INVALID` listing every key that fits no layer, every value that is none of
 * `w{2,3,4,8}a{2,3,4,8}`, and every layer without bits, with the names there are.
 */
export function resolveBitPlan(plan: BitPlan, layers: readonly string[]): ReadonlyMap<string, ResolvedBits> {
  const rules = new Map(Object.entries(plan));
  const keys = [...rules.keys()].filter((key) => key !== DEFAULT).sort((a, b) => b.length - a.length);
  const fitting = (layer: string): string | undefined =>
    keys.find((key) => fits(key, layer)) ?? (rules.has(DEFAULT) ? DEFAULT : undefined);

  const problems: string[] = [];
  for (const [rule, text] of rules) {
    if (typeof text !== 'string' || parseLayerBits(text) === undefined) {
      problems.push(`"${rule}" is ${JSON.stringify(text)}, which is not w{2,3,4,8}a{2,3,4,8}`);
    }
    if (rule !== DEFAULT && !layers.some((layer) => fits(rule, layer)))
      problems.push(`"${rule}" fits no layer`);
  }
  const without = layers.filter((layer) => fitting(layer) === undefined);
  if (without.length > 0) problems.push(`no bits for ${without.join(', ')}: add "${DEFAULT}"`);
  if (problems.length > 0) {
    throw new QuantStatsError(
      'QS_BIT_PLAN_INVALID',
      `the bit plan has ${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'}: ${problems.join('; ')}. The layers are: ${layers.join(', ')}.`,
      problems,
    );
  }
  return new Map(
    layers.map((layer) => {
      const rule = fitting(layer)!;
      return [layer, { ...parseLayerBits(rules.get(rule)!)!, rule }];
    }),
  );
}

/** Whether a key stands before the name of a layer, and ends where one of its words does. */
const fits = (key: string, layer: string): boolean =>
  layer.startsWith(key) && ['', '.', '_'].includes(layer.charAt(key.length));

/** A resolved plan as a table of text, a line for each layer: its name, its bits, and the key that gave them. */
export function formatBitPlan(resolved: ReadonlyMap<string, ResolvedBits>): string {
  const rows = [...resolved].map(([layer, bits]) => [layer, formatLayerBits(bits), bits.rule] as const);
  const table = [['layer', 'bits', 'from'] as const, ...rows];
  const width = (column: 0 | 1): number => Math.max(...table.map((row) => row[column].length));
  const [first, second] = [width(0), width(1)];
  return table
    .map(([layer, bits, rule]) => `${layer.padEnd(first)}  ${bits.padEnd(second)}  ${rule}`)
    .join('\n');
}

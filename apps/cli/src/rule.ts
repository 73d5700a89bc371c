import type { CompositionRule } from '@proj/rws';
import { InvalidArgumentError, Option } from 'commander';

export const ruleHelp = `What --rule takes, D being the share of values that stay (above 0, at most 1):
  sum             the paper's rule
  mean            the sum over the number of signatures
  magnitude:D     the D largest of each tensor, added
  dare:D:SEED     a random D of each tensor, 1/D times as large, added
  ties:D          TIES-Merging as published
  ties-peft:D     TIES as in peft`;

/** `--rule`: how several signatures add up. */
export const ruleOption = (): Option =>
  new Option('--rule <rule>', 'how signatures add up (default: as in the file, else sum)').argParser(
    parseRule,
  );

function parseRule(text: string): CompositionRule {
  const [kind, first, second, ...more] = text.split(':');
  const density = first === undefined ? Number.NaN : Number(first);
  const dense = density > 0 && density <= 1 && more.length === 0;
  if ((kind === 'sum' || kind === 'mean') && first === undefined) return { kind };
  if (dense && second === undefined) {
    if (kind === 'magnitude') return { kind, density };
    if (kind === 'ties') return { kind, definition: 'paper', density };
    if (kind === 'ties-peft') return { kind: 'ties', definition: 'peft', density, elect: 'mass' };
  }
  if (dense && kind === 'dare' && second !== undefined && /^\d{1,9}$/.test(second)) {
    return { kind, density, seed: Number(second) };
  }
  throw new InvalidArgumentError(`"${text}" is no rule; --help lists them.`);
}

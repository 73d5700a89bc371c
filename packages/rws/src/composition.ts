import { addPacked } from './decode-packed.ts';
import { RwsError } from './error.ts';
import { product } from './floats.ts';
import { bitsOf, dequantizationTable } from './quantizer.ts';
import type { CompositionRule } from './rule.ts';
import { dequantizeTensor, type SignatureTensor, signatureLabel } from './signature.ts';
import { keepLargest, streamOf, thin, trimTogether } from './sparsify.ts';
import { type Application, alphaOf } from './strength.ts';
import { mergePaper, mergePeft, signBalance, type TrimmedTerm } from './ties.ts';

/** What patching does to one tensor; arrays may be overwritten by the next change that is asked for. */
export type Change =
  /** Added to the base; `nonNegative`: a variance, which stays at least 0. */
  | { readonly delta: Float64Array; readonly nonNegative: boolean }
  /** Takes the base's place. */
  | { readonly replacement: Float64Array };

/** The change that applied signatures make to a model, tensor by tensor. */
export interface Composition {
  /** Names of all tensors that the signatures cover, sorted by UTF-16 code units. */
  readonly touched: readonly string[];
  /** The change of one tensor; undefined where no signature takes part (α = 0). */
  change(name: string): Change | undefined;
}

interface Member {
  readonly application: Application;
  readonly tensor: SignatureTensor;
  /** Not 0. */
  readonly alpha: number;
}

/**
 * Prepares the change of signatures under a rule. `applied` comes in ascending order of signature ids: sums are taken in it, so that
 * they do not depend on who was added first.
 *
 * @throws {RwsError} `RWS_SIGNATURES_DIFFER` when one signature adds to a tensor that another replaces.
 */
export function compose(applied: readonly Application[], rule: CompositionRule): Composition {
  const members = membersOf(applied);
  const touched = [...members.keys()].sort();
  const active = (name: string) => members.get(name)!.filter(({ alpha }) => alpha !== 0);
  let scratch = new Float64Array(0);
  const zeros = (length: number): Float64Array => {
    if (scratch.length < length) scratch = new Float64Array(length);
    return scratch.subarray(0, length).fill(0);
  };
  const merge = mergeOf(rule, applied, touched, active);
  return {
    touched,
    change(name) {
      const taking = active(name);
      const [first] = taking;
      if (first === undefined) return undefined;
      const delta = zeros(product(first.tensor.shape));
      if (first.tensor.apply === 'replace') {
        for (const { application, tensor } of taking) {
          add(delta, 1, dequantizeTensor(application.signature, tensor));
        }
        if (taking.length > 1) for (let i = 0; i < delta.length; i++) delta[i] = delta[i]! / taking.length;
        return { replacement: delta };
      }
      merge(delta, taking, name);
      return { delta, nonNegative: first.tensor.role === 'variance' };
    },
  };
}

/** Every covered tensor's entries in the signatures, in the order of these. */
function membersOf(applied: readonly Application[]): Map<string, Member[]> {
  const members = new Map<string, Member[]>();
  for (const application of applied) {
    for (const tensor of application.signature.tensors) {
      const replaces = tensor.apply === 'replace';
      const member = {
        application,
        tensor,
        // A replacement belongs to no unit and is all or nothing.
        alpha: replaces ? application.alpha : alphaOf(application, tensor),
      };
      const others = members.get(tensor.name);
      const other = others?.find((one) => (one.tensor.apply === 'replace') !== replaces);
      if (other !== undefined) {
        const [adding, replacing] = replaces ? [other, member] : [member, other];
        throw new RwsError(
          'RWS_SIGNATURES_DIFFER',
          `${signatureLabel(adding.application.signature)} adds to "${tensor.name}", ${signatureLabel(replacing.application.signature)} replaces it; extract both with the same policy for batch norm.`,
        );
      }
      if (others === undefined) members.set(tensor.name, [member]);
      else others.push(member);
    }
  }
  return members;
}

type Merge = (delta: Float64Array, taking: readonly Member[], name: string) => void;

/** How a rule fills `delta`, which is all 0, for one tensor. */
function mergeOf(
  rule: CompositionRule,
  applied: readonly Application[],
  touched: readonly string[],
  active: (name: string) => readonly Member[],
): Merge {
  switch (rule.kind) {
    case 'sum':
    case 'mean':
      return (delta, taking) => {
        const share = rule.kind === 'mean' ? taking.length : 1;
        for (const member of taking) addMember(delta, member.alpha / share, member);
      };
    case 'magnitude':
      return (delta, taking) => {
        for (const member of taking) add(delta, member.alpha, keepLargest(valuesOf(member), rule.density));
      };
    case 'dare':
      return (delta, taking, name) => {
        for (const member of taking) {
          const stream = streamOf(`${rule.seed}\n${member.application.signature.id}\n${name}`);
          add(delta, member.alpha / rule.density, thin(valuesOf(member), rule.density, stream));
        }
      };
    case 'ties': {
      if (rule.definition === 'paper') return paperMerge(rule.density, applied, touched, active);
      return (delta, taking) => {
        const terms = taking.map((member) => ({
          alpha: member.alpha,
          values: keepLargest(valuesOf(member), rule.density),
        }));
        mergePeft(delta, terms, rule.elect);
      };
    }
  }
}

/** TIES as published: trimming looks at whole signatures, and undecided signs at all positions. */
function paperMerge(
  density: number,
  applied: readonly Application[],
  touched: readonly string[],
  active: (name: string) => readonly Member[],
): Merge {
  const trimmed = new Map<SignatureTensor, Float32Array>();
  for (const { signature } of applied) {
    const adding = signature.tensors.filter(({ apply }) => apply === 'add');
    const parts = trimTogether(
      adding.map((tensor) => dequantizeTensor(signature, tensor)),
      density,
    );
    for (const [i, tensor] of adding.entries()) trimmed.set(tensor, parts[i]!);
  }
  const termsOf = (taking: readonly Member[]): TrimmedTerm[] =>
    taking
      .filter(({ tensor }) => trimmed.has(tensor))
      .map(({ alpha, tensor }) => ({ alpha, values: trimmed.get(tensor)! }));
  let balance = 0;
  for (const name of touched) {
    const terms = termsOf(active(name));
    if (terms.length > 0) balance += signBalance(terms, terms[0]!.values.length);
  }
  return (delta, taking) => mergePaper(delta, termsOf(taking), balance);
}

function valuesOf({ application, tensor }: Member): Float32Array {
  return dequantizeTensor(application.signature, tensor);
}

/** The same as adding `valuesOf`, whose products with the coefficient are few where values are codes. */
function addMember(delta: Float64Array, coefficient: number, member: Member): void {
  const { form, streams } = member.tensor.stored;
  const { quantizer } = member.application.signature;
  const [stream] = streams;
  if (form.kind !== 'dense' || stream === undefined || !('packed' in stream) || quantizer.scheme === 'none') {
    add(delta, coefficient, valuesOf(member));
    return;
  }
  const table = Float64Array.from(dequantizationTable(quantizer, stream), (value) => coefficient * value);
  addPacked(delta, stream.packed, bitsOf(quantizer), table);
}

function add(delta: Float64Array, coefficient: number, values: Float32Array): void {
  for (let i = 0; i < delta.length; i++) delta[i] = delta[i]! + coefficient * values[i]!;
}

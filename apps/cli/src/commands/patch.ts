import {
  type Application,
  type CompositionRule,
  type PatchReport,
  patch,
  ruleText,
  type Signature,
  type Strength,
  signatureFromBytes,
} from '@proj/rws';
import { readModelFile, writeModelFile } from '@proj/rws/node';
import { stateSha256 } from '@proj/tensor-io';
import { Command } from 'commander';
import { commandLine } from '../command-line.ts';
import { exitCode, exitCodeOf, usageError } from '../exit.ts';
import { readInput, requireWritable, writing } from '../files.ts';
import { count, table } from '../format.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput } from '../output.ts';
import { ruleHelp, ruleOption } from '../rule.ts';

interface Options extends GlobalOptions {
  readonly out: string;
  readonly force?: boolean;
  readonly allowTransfer?: boolean;
  readonly rule?: CompositionRule;
}

export function patchCommand(): Command {
  return new Command('patch')
    .description('add signatures to a model; the file remembers how to take them off again')
    .argument('<model>', 'a model, patched already or not')
    .argument('<signature...>', 'signature files, each with an optional strength: fog.rws.safetensors@0.75')
    .addOption(ruleOption())
    .requiredOption('--out <file>', 'the patched model')
    .option('--allow-transfer', 'apply to a model of the same architecture that was trained otherwise')
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      `
Without @ the strength is the recommended one of the signature, or 1. Behind it, units (from 0) and tensors may have strengths of their
own: fog.rws.safetensors@1,0=0.5,blocks.1.mlp.fc1.weight=0.

${ruleHelp}

Examples:
  proj patch clean.safetensors fog.rws.safetensors --out patched.safetensors
  proj patch clean.safetensors fog.rws.safetensors@0.5 noise.rws.safetensors --out both.safetensors
  proj patch clean.safetensors fog.rws.safetensors@1,1=0.5 noise.rws.safetensors --rule ties:0.2 --out merged.safetensors`,
    )
    .action(async (file: string, signatures: string[], _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const output = createOutput(options);
      await requireWritable(options.out, options.force);
      const opened = await readModelFile(file);
      const applications: Application[] = [];
      for (const argument of signatures) applications.push(await application(argument));
      const { rule } = options;
      const model = await patch(opened.model, applications, {
        allowTransfer: options.allowTransfer === true,
        ...(rule === undefined ? {} : { rule }),
      });
      await writing(writeModelFile(options.out, model, opened));
      const { report } = model;
      const applied = model.applied.map(({ signature, transferred, ...strength }) => ({
        id: signature.id,
        name: signature.about.name,
        ...strengthResult(strength),
        transferred,
      }));
      const sha256 = { before: await stateSha256(model.base), after: await stateSha256(model.state) };
      output.result('proj.patch/1', { file: options.out, rule: model.rule, applied, report, sha256 }, () =>
        [
          table(
            ['signature', 'strength', 'id'],
            applied.map((entry) => [entry.name ?? '–', strengthText(entry), entry.id.slice(0, 16)]),
          ),
          ...conflictLines(report, new Map(applied.map(({ id, name }) => [id, name ?? id.slice(0, 16)]))),
          ...(applied.length > 1 ? [`composed by ${ruleText(model.rule)}`] : []),
          `${count(report.changed)} of ${count(report.elements)} values in ${report.tensors.length} tensors changed, by ${((100 * report.changeNorm) / report.baseNorm).toFixed(2)} % in norm`,
          ...(report.recalibrate
            ? ['batch norm must be recalibrated on corrupted images before this model is used']
            : []),
          `SHA-256 before ${sha256.before}`,
          `SHA-256 after  ${sha256.after}`,
          `take it off again: ${commandLine(['unpatch', options.out, '--out', 'restored.safetensors'])}`,
        ].join('\n'),
      );
    });
}

function conflictLines({ conflicts }: PatchReport, names: ReadonlyMap<string, string>): string[] {
  if (conflicts.length === 0) return [];
  const rows = conflicts.map(({ first, second, cosine, signConflicts }) => [
    `${names.get(first)} and ${names.get(second)}`,
    cosine === null ? '–' : cosine.toFixed(3),
    signConflicts === null ? '–' : `${(100 * signConflicts).toFixed(1)} %`,
  ]);
  return [table(['signatures', 'cosine', 'opposite signs'], rows)];
}

/** Strengths as JSON: what a unit or a tensor has of its own as objects. */
function strengthResult({ alpha, units, tensors }: Strength) {
  return {
    alpha,
    ...(units && { units: Object.fromEntries(units) }),
    ...(tensors && { tensors: Object.fromEntries(tensors) }),
  };
}

function strengthText({ alpha, units = {}, tensors = {} }: ReturnType<typeof strengthResult>): string {
  const own = [...Object.entries(units), ...Object.entries(tensors)].map(([key, value]) => `${key}=${value}`);
  return [String(alpha), ...own].join(', ');
}

/** A signature file with the strength behind its last @, where a number is; other @ belong to the name. */
async function application(argument: string): Promise<Application> {
  const at = argument.lastIndexOf('@');
  const text = at < 0 ? '' : argument.slice(at + 1).trim();
  const strength = strengthOf(text);
  if (strength !== undefined) return { signature: await readSignature(argument.slice(0, at)), ...strength };
  const signature = await readSignature(argument).catch((error: unknown) => {
    if (at < 0 || exitCodeOf(error) !== exitCode.noInput) throw error;
    throw usageError(
      `there is no file ${argument}, and "${text}" behind @ is no strength; it must be a number, and more for single units or tensors: 1,0=0.5,name=0.`,
    );
  });
  return { signature, alpha: signature.about.recommendedAlpha ?? 1 };
}

/** `ALPHA`, then `UNIT=ALPHA` and `TENSOR=ALPHA` with commas between; undefined for anything else. */
function strengthOf(text: string): Strength | undefined {
  const [first, ...rest] = text.split(',');
  const alpha = numberIn(first!);
  const own = rest.map((part) => [
    part.slice(0, part.lastIndexOf('=')),
    part.slice(part.lastIndexOf('=') + 1),
  ]);
  const entries = own.map(([key, value]): [string, number] => [key!.trim(), numberIn(value!)]);
  const keys = entries.map(([key]) => key);
  if (![alpha, ...entries.map(([, value]) => value)].every(Number.isFinite)) return undefined;
  if (rest.some((part) => !part.includes('=')) || new Set(keys).size < keys.length) return undefined;
  const isUnit = ([key]: readonly [string, number]) => /^\d+$/.test(key);
  const units = entries.filter(isUnit).map(([key, value]): [number, number] => [Number(key), value]);
  const tensors = entries.filter((entry) => !isUnit(entry));
  return {
    alpha,
    ...(units.length > 0 && { units: new Map(units) }),
    ...(tensors.length > 0 && { tensors: new Map(tensors) }),
  };
}

const numberIn = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

const readSignature = async (file: string): Promise<Signature> => signatureFromBytes(await readInput(file));

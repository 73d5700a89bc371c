import { type PatchedModel, RwsError, unpatch } from '@proj/rws';
import { readModelFile, writeModelFile } from '@proj/rws/node';
import { stateSha256 } from '@proj/tensor-io';
import { Command } from 'commander';
import { CliError, exitCode, usageError } from '../exit.ts';
import { requireWritable, writing } from '../files.ts';
import type { GlobalOptions } from '../options.ts';
import { createOutput } from '../output.ts';

interface Options extends GlobalOptions {
  readonly signature?: readonly string[];
  readonly out: string;
  readonly force?: boolean;
}

export function unpatchCommand(): Command {
  return new Command('unpatch')
    .description(
      'take signatures off a patched model, with nothing but its file; without any left it is the original file, byte for byte',
    )
    .argument('<model>', 'a model that proj patch wrote')
    .option('--signature <name...>', 'only these: names or beginnings of ids (default: all)')
    .requiredOption('--out <file>', 'the model without them')
    .option('--force', 'replace an existing file')
    .addHelpText(
      'after',
      '\nExamples:\n  proj unpatch patched.safetensors --out restored.safetensors\n  proj unpatch both.safetensors --signature fog-s5 --out noise-only.safetensors',
    )
    .action(async (file: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const output = createOutput(options);
      await requireWritable(options.out, options.force);
      const opened = await readModelFile(file);
      if (opened.model.applied.length === 0) {
        throw new RwsError('RWS_NOT_PATCHED', `${file}: no signature is applied.`);
      }
      const ids =
        options.signature?.map((name) => find(opened.model, name)) ??
        opened.model.applied.map(({ signature }) => signature.id);
      const twice = ids.findIndex((id, i) => ids.indexOf(id) < i);
      if (twice >= 0) {
        throw usageError(
          `--signature ${options.signature![twice]}: it is named twice; name each signature once.`,
        );
      }
      const model = ids.reduce<PatchedModel>((rest, id) => unpatch(rest, id), opened.model);
      await writing(writeModelFile(options.out, model, opened));
      const sha256 = await stateSha256(model.state);
      const left = model.applied.map(({ signature, alpha }) => ({
        id: signature.id,
        name: signature.about.name,
        alpha,
      }));
      output.result('proj.unpatch/1', { file: options.out, removed: ids, left, sha256 }, () =>
        [
          `${options.out}: ${ids.length} taken off, ${left.length} left${left.length === 0 ? '; this is the original model, verified by its fingerprint' : `: ${left.map(({ name, id }) => name ?? id.slice(0, 16)).join(', ')}`}`,
          `SHA-256 ${sha256}`,
        ].join('\n'),
      );
    });
}

function find({ applied }: PatchedModel, name: string): string {
  const found = applied.filter(
    ({ signature }) => signature.about.name === name || signature.id.startsWith(name),
  );
  if (found.length !== 1) {
    const names = applied.map(
      ({ signature }) => `${signature.about.name ?? 'unnamed'} (${signature.id.slice(0, 16)})`,
    );
    throw new CliError(
      'CLI_NO_SUCH_SIGNATURE',
      exitCode.usage,
      `${found.length === 0 ? 'no applied signature is' : 'more than one applied signature is'} "${name}"; applied are ${names.join(', ')}.`,
    );
  }
  return found[0]!.signature.id;
}

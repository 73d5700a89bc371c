import { exportVit } from '@proj/onnx';
import { writeFileAtomic } from '@proj/tensor-io/node';
import { Command } from 'commander';
import { requireWritable, writing } from '../files.ts';
import { bytes } from '../format.ts';
import { readModel } from '../model-file.ts';
import { type GlobalOptions, modelOption } from '../options.ts';
import { createOutput } from '../output.ts';

interface Options extends GlobalOptions {
  readonly model?: string;
  readonly onnx: string;
  readonly force?: boolean;
}

export function exportCommand(): Command {
  return new Command('export')
    .description(
      'a model as an ONNX file, for ONNX Runtime and other engines, any number of images at a time',
    )
    .argument('<model>', 'safetensors, sharded index or .pth state dict with timm names')
    .requiredOption('--onnx <file>', 'the file to write')
    .addOption(modelOption('architecture of a file without our metadata (default: by its shapes)'))
    .option('--force', 'replace an existing file')
    .addHelpText('after', '\nExamples:\n  proj export patched.safetensors --onnx patched.onnx')
    .action(async (file: string, _: unknown, self: Command) => {
      const options = self.optsWithGlobals<Options>();
      const output = createOutput(options);
      await requireWritable(options.onnx, options.force);
      const { state, config, classNames } = await readModel(file, options.model);
      const model = exportVit(config, state, { classNames });
      await writing(writeFileAtomic(options.onnx, model));
      const { name: architecture, channels, imageSize, classes } = config;
      const result = {
        file: options.onnx,
        architecture,
        bytes: model.length,
        images: ['batch', channels, imageSize, imageSize],
        logits: ['batch', classes],
      };
      output.result(
        'proj.export/1',
        result,
        () =>
          `${options.onnx}: ${architecture}, images [${result.images.join(', ')}] to logits [${result.logits.join(', ')}], ${bytes(model.length)}`,
      );
    });
}

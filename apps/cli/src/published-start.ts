import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError, exitCode } from './exit.ts';

/** Where pretrained weights and data sets lie that nobody names: `PROJ_DATA_DIR`, else beside the folder one is in. */
const dataFolder = (): string => process.env['PROJ_DATA_DIR'] ?? join('..', 'shared', 'data');

/**
 * The file of float weights that a published recipe starts from, where `--start` names none: MODEL/model.safetensors in the data folder,
 * or, for a distilled DeiT, the undistilled one of that size.
 */
export async function publishedStart(model: string): Promise<string> {
  const names = [...new Set([model, model.replace('_distilled', '')])];
  const files = names.map((name) => join(dataFolder(), name, 'model.safetensors'));
  for (const file of files) {
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  throw new CliError(
    'CLI_NO_START',
    exitCode.noInput,
    `quantization starts from float weights: give those of ${names.join(' or ')} with --start FILE (safetensors or .pth with timm's or torchvision's names), or put them at ${files.join(' or ')}; PROJ_DATA_DIR is the folder.`,
  );
}

import { checkClassNames } from './class-names.ts';
import { list, number, object, parse, preprocessing, string } from './json-fields.ts';
import { checkSwinConfig, type SwinConfig } from './swin-config.ts';

/**
 * `vitMetadata` of a Swin Transformer: the JSON under `proj` in a model file's `__metadata__`.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`; `VIT_METADATA_INVALID` when there is not one class name a class.
 */
export function swinMetadata(config: SwinConfig, classNames?: readonly string[]): string {
  checkSwinConfig(config);
  checkClassNames(config, classNames);
  return JSON.stringify({ architecture: 'swin', config, classNames });
}

/**
 * The configuration in `swinMetadata`'s JSON. Other keys beside it are ignored.
 *
 * @throws {VitError} `VIT_METADATA_INVALID` naming the field; `VIT_CONFIG_INVALID`.
 */
export function swinConfigFromMetadata(json: string): SwinConfig {
  const metadata = parse(json, 'swin');
  const config = object(metadata['config'], 'config');
  const count = (key: keyof SwinConfig) => number(config[key], `config.${key}`);
  const countOfEach = (key: 'depths' | 'heads') => list(config[key], `config.${key}`, number);
  const parsed: SwinConfig = {
    name: string(config['name'], 'config.name'),
    imageSize: count('imageSize'),
    patchSize: count('patchSize'),
    channels: count('channels'),
    embedDim: count('embedDim'),
    depths: countOfEach('depths'),
    heads: countOfEach('heads'),
    windowSize: count('windowSize'),
    mlpRatio: count('mlpRatio'),
    classes: count('classes'),
    layerNormEps: count('layerNormEps'),
    preprocessing: preprocessing(config['preprocessing']),
  };
  checkSwinConfig(parsed);
  return parsed;
}

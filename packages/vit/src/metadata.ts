import { checkClassNames } from './class-names.ts';
import { checkConfig, type VitConfig } from './config.ts';
import { invalid, number, object, parse, preprocessing, string } from './json-fields.ts';

/**
 * What stands as JSON under `proj` in a model file's `__metadata__`: architecture, configuration, preprocessing and
 * class names, so that the file alone suffices to use the model.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`; `VIT_METADATA_INVALID` when there is not one class name a class.
 */
export function vitMetadata(config: VitConfig, classNames?: readonly string[]): string {
  checkConfig(config);
  checkClassNames(config, classNames);
  return JSON.stringify({ architecture: 'vit', config, classNames });
}

/**
 * The configuration in `vitMetadata`'s JSON. Other keys beside it are ignored.
 *
 * @throws {VitError} `VIT_METADATA_INVALID` naming the field; `VIT_CONFIG_INVALID`.
 */
export function configFromMetadata(json: string): VitConfig {
  const metadata = parse(json, 'vit');
  const config = object(metadata['config'], 'config');
  const count = (key: keyof VitConfig) => number(config[key], `config.${key}`);
  const { distilled } = config;
  if (typeof distilled !== 'boolean') throw invalid('config.distilled must be true or false');
  const parsed: VitConfig = {
    name: string(config['name'], 'config.name'),
    imageSize: count('imageSize'),
    patchSize: count('patchSize'),
    channels: count('channels'),
    embedDim: count('embedDim'),
    depth: count('depth'),
    heads: count('heads'),
    mlpRatio: count('mlpRatio'),
    classes: count('classes'),
    distilled,
    layerNormEps: count('layerNormEps'),
    preprocessing: preprocessing(config['preprocessing']),
  };
  checkConfig(parsed);
  return parsed;
}

import { type ConvnetConfig, checkConfig, type Preprocessing } from './config.ts';
import { boolean, choice, type Fields, invalid, list, number, object, parse, string } from './json-fields.ts';

/**
 * What stands as JSON under `proj` in a model file's `__metadata__`: architecture (`vgg` or `resnet`), configuration, preprocessing
 * and class names, so that the file alone suffices to use the model.
 *
 * @throws {ConvnetError} `CONVNET_CONFIG_INVALID`; `CONVNET_METADATA_INVALID` when there is not one class name a class.
 */
export function convnetMetadata(config: ConvnetConfig, classNames?: readonly string[]): string {
  checkConfig(config);
  checkClassNames(config, classNames);
  const { architecture, ...rest } = config;
  return JSON.stringify({ architecture, config: rest, classNames });
}

/**
 * The configuration in `convnetMetadata`'s JSON. Other keys beside it are ignored.
 *
 * @throws {ConvnetError} `CONVNET_METADATA_INVALID` naming the field; `CONVNET_CONFIG_INVALID`.
 */
export function configFromMetadata(json: string): ConvnetConfig {
  const metadata = parse(json);
  const architecture = choice(metadata['architecture'], 'architecture', 'vgg', 'resnet');
  const fields = object(metadata['config'], 'config');
  const common = {
    name: string(fields['name'], 'config.name'),
    imageSize: number(fields['imageSize'], 'config.imageSize'),
    channels: number(fields['channels'], 'config.channels'),
    classes: number(fields['classes'], 'config.classes'),
    preprocessing: preprocessing(fields['preprocessing']),
  };
  const config: ConvnetConfig =
    architecture === 'vgg'
      ? { architecture, ...common, ...vggFields(fields) }
      : { architecture, ...common, ...resNetFields(fields) };
  checkConfig(config);
  return config;
}

/**
 * The class names in `convnetMetadata`'s JSON, in the order of the logits; undefined when it has none.
 *
 * @throws {ConvnetError} `CONVNET_METADATA_INVALID`, `CONVNET_CONFIG_INVALID`.
 */
export function classNamesFromMetadata(json: string): readonly string[] | undefined {
  const { classNames } = parse(json);
  const config = configFromMetadata(json);
  if (classNames === undefined) return undefined;
  const names = list(classNames, 'classNames', string);
  checkClassNames(config, names);
  return names;
}

function checkClassNames({ name, classes }: ConvnetConfig, classNames: readonly string[] | undefined): void {
  if (classNames !== undefined && classNames.length !== classes) {
    throw invalid(`there are ${classNames.length} class names for the ${classes} classes of ${name}`);
  }
}

function vggFields(fields: Fields) {
  const head = object(fields['head'], 'config.head');
  return {
    stages: list(fields['stages'], 'config.stages', (stage, field) => list(stage, field, number)),
    batchNorm: boolean(fields['batchNorm'], 'config.batchNorm'),
    head: {
      pool: number(head['pool'], 'config.head.pool'),
      hidden: list(head['hidden'], 'config.head.hidden', number),
      dropout: number(head['dropout'], 'config.head.dropout'),
    },
  };
}

function resNetFields(fields: Fields) {
  return {
    style: choice(fields['style'], 'config.style', 'cifar', 'imagenet'),
    block: choice(fields['block'], 'config.block', 'basic', 'bottleneck'),
    widths: list(fields['widths'], 'config.widths', number),
    depths: list(fields['depths'], 'config.depths', number),
  };
}

function preprocessing(value: unknown): Preprocessing {
  const fields = object(value, 'config.preprocessing');
  return {
    mean: list(fields['mean'], 'config.preprocessing.mean', number),
    std: list(fields['std'], 'config.preprocessing.std', number),
    interpolation: choice(
      fields['interpolation'],
      'config.preprocessing.interpolation',
      'bicubic',
      'bilinear',
    ),
    cropPct: number(fields['cropPct'], 'config.preprocessing.cropPct'),
  };
}

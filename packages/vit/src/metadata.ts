import { checkConfig, type Preprocessing, type VitConfig } from './config.ts';
import { VitError } from './error.ts';

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
  const metadata = parse(json);
  const config = object(metadata['config'], 'config');
  const preprocessing = object(config['preprocessing'], 'config.preprocessing');
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
    preprocessing: {
      mean: list(preprocessing['mean'], 'config.preprocessing.mean', number),
      std: list(preprocessing['std'], 'config.preprocessing.std', number),
      interpolation: interpolation(preprocessing['interpolation']),
      cropPct: number(preprocessing['cropPct'], 'config.preprocessing.cropPct'),
    },
  };
  checkConfig(parsed);
  return parsed;
}

/**
 * The class names in `vitMetadata`'s JSON, in the order of the logits; undefined when it has none.
 *
 * @throws {VitError} `VIT_METADATA_INVALID`, `VIT_CONFIG_INVALID`.
 */
export function classNamesFromMetadata(json: string): readonly string[] | undefined {
  const { classNames } = parse(json);
  if (classNames === undefined) return undefined;
  const names = list(classNames, 'classNames', string);
  checkClassNames(configFromMetadata(json), names);
  return names;
}

type Fields = Readonly<Record<string, unknown>>;

function parse(json: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw invalid(`it is no JSON (${String(cause)})`);
  }
  const metadata = object(value, 'the whole');
  if (metadata['architecture'] !== 'vit') {
    throw invalid(`architecture is ${JSON.stringify(metadata['architecture'])}, expected "vit"`);
  }
  return metadata;
}

function checkClassNames(config: VitConfig, classNames: readonly string[] | undefined): void {
  if (classNames !== undefined && classNames.length !== config.classes) {
    throw invalid(
      `there are ${classNames.length} class names for the ${config.classes} classes of ${config.name}`,
    );
  }
}

function object(value: unknown, field: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${field} must be an object, got ${JSON.stringify(value)}`);
  }
  return value as Fields;
}

function number(value: unknown, field: string): number {
  if (typeof value !== 'number') throw invalid(`${field} must be a number, got ${JSON.stringify(value)}`);
  return value;
}

function string(value: unknown, field: string): string {
  if (typeof value !== 'string') throw invalid(`${field} must be a string, got ${JSON.stringify(value)}`);
  return value;
}

function list<T>(value: unknown, field: string, item: (value: unknown, field: string) => T): T[] {
  if (!Array.isArray(value)) throw invalid(`${field} must be a list, got ${JSON.stringify(value)}`);
  return value.map((entry, i) => item(entry, `${field}[${i}]`));
}

function interpolation(value: unknown): Preprocessing['interpolation'] {
  if (value === 'bicubic' || value === 'bilinear') return value;
  throw invalid(
    `config.preprocessing.interpolation must be "bicubic" or "bilinear", got ${JSON.stringify(value)}`,
  );
}

function invalid(problem: string): VitError {
  return new VitError(
    'VIT_METADATA_INVALID',
    `the metadata "proj" describes no vision transformer: ${problem}. Write it with vitMetadata().`,
  );
}

import { checkClassNames } from './class-names.ts';
import { list, parse, string } from './json-fields.ts';
import { configFromMetadata } from './metadata.ts';
import { swinConfigFromMetadata } from './swin-metadata.ts';

/**
 * The class names in `vitMetadata`'s or `swinMetadata`'s JSON, in the order of the logits; undefined when it has none.
 *
 * @throws {VitError} `VIT_METADATA_INVALID`, `VIT_CONFIG_INVALID`.
 */
export function classNamesFromMetadata(json: string): readonly string[] | undefined {
  const { architecture, classNames } = parse(json, 'vit', 'swin');
  if (classNames === undefined) return undefined;
  const names = list(classNames, 'classNames', string);
  checkClassNames(architecture === 'swin' ? swinConfigFromMetadata(json) : configFromMetadata(json), names);
  return names;
}

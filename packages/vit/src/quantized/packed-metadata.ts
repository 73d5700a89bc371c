import type { VitConfig } from '../config.ts';
import { VitError } from '../error.ts';
import { object, parse } from '../json-fields.ts';
import type { SwinConfig } from '../swin-config.ts';
import type { QuantizedDesign } from './design.ts';
import { quantizedMetadata } from './metadata.ts';

/** What FORMAT.md describes. */
const VERSION = 1;

/**
 * `quantizedMetadata` of a packed model: the JSON under `proj` in its file's `__metadata__`.
 *
 * @throws as `quantizedMetadata`.
 */
export function packedMetadata(
  config: VitConfig | SwinConfig,
  design: QuantizedDesign,
  classNames?: readonly string[],
): string {
  const model = JSON.parse(quantizedMetadata(config, design, classNames));
  return JSON.stringify({ ...model, packed: { version: VERSION } });
}

/**
 * Whether this is the JSON of a packed model; that of a latent or float one says nothing about it.
 *
 * @throws {VitError} `VIT_METADATA_INVALID`; `VIT_NOT_PACKED` for a version that this package does not know.
 */
export function isPacked(json: string): boolean {
  const { packed } = parse(json, 'vit', 'swin');
  if (packed === undefined) return false;
  const { version } = object(packed, 'packed');
  if (version === VERSION) return true;
  throw new VitError(
    'VIT_NOT_PACKED',
    `this packed model is of version ${JSON.stringify(version)}, known is ${VERSION}; take a newer @proj/vit.`,
  );
}

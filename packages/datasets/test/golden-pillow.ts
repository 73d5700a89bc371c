import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Interpolation, Pixels } from '../src/index.ts';
import type { OperationName } from '../src/rand-augment/operations.ts';

interface Golden {
  readonly width: number;
  readonly height: number;
  readonly fill: readonly number[];
  readonly source: string;
  readonly operations: readonly {
    readonly name: OperationName;
    readonly argument: number;
    readonly interpolation: Interpolation;
    readonly sha256: string;
  }[];
  readonly crops: readonly {
    readonly window: {
      readonly top: number;
      readonly left: number;
      readonly height: number;
      readonly width: number;
    };
    readonly size: number;
    readonly interpolation: Interpolation;
    readonly sha256: string;
  }[];
  readonly resized: readonly {
    readonly size: number;
    readonly interpolation: Interpolation;
    readonly sha256: string;
  }[];
  readonly mixes: readonly { readonly share: number; readonly sha256: string }[];
}

/** What Pillow makes; `golden/make_pillow.py` makes it. */
export const golden = JSON.parse(
  readFileSync(new URL('golden/pillow.json', import.meta.url), 'utf8'),
) as Golden;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const source: Pixels = {
  width: golden.width,
  height: golden.height,
  channels: 3,
  data: Uint8Array.from(Buffer.from(golden.source, 'base64')),
};

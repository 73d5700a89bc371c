import { type Decoder, integer, list, number, record, text } from './json.ts';

/** One measured accuracy, from 0 to 1, e.g. `{ model: 'patched', images: 'test, fog severity 5', accuracy: 0.71 }`. */
export interface Measurement {
  readonly model: string;
  readonly images: string;
  readonly accuracy: number;
}

/** What a signature says about where it comes from and what it is good for. All of it is optional and informative. */
export interface SignatureAbout {
  readonly name?: string;
  /** e.g. `deit_tiny_patch16_224`. */
  readonly architecture?: string;
  /** e.g. `fog`. */
  readonly corruption?: string;
  /** 1 to 5. */
  readonly severity?: number;
  readonly dataset?: string;
  /** The α that validation chose. */
  readonly recommendedAlpha?: number;
  readonly measured?: readonly Measurement[];
  /** Program and version that made the signature. */
  readonly tool?: string;
}

export const decodeAbout: Decoder<SignatureAbout> = record(
  {},
  {
    name: text,
    architecture: text,
    corruption: text,
    severity: integer(1, 5),
    dataset: text,
    recommendedAlpha: number(-Number.MAX_VALUE, Number.MAX_VALUE),
    measured: list(record({ model: text, images: text, accuracy: number(0, 1) })),
    tool: text,
  },
);

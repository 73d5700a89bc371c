/** A mean with its 95 % interval, as `meanInterval` of `statistics.ts` makes it from the values of several seeds. */
export interface Interval {
  readonly mean: number;
  /** Absent for one value. */
  readonly low?: number;
  readonly high?: number;
  /** How many values it is the mean of. */
  readonly n: number;
}

/** Null is shown as an empty cell. */
export type Cell = string | number | Interval | null;

export interface Point {
  readonly x: number;
  readonly y: number;
  /** Ends of an interval around y. */
  readonly low?: number;
  readonly high?: number;
}

/** What a report consists of. Every section becomes HTML, Markdown, and (where it holds numbers) a CSV file. */
export type Section =
  | TableSection
  | LinesSection
  | HeatMapSection
  | ImagesSection
  | TextSection
  | PublishedSection;

interface Titled {
  readonly title: string;
  /** What is shown and how to read it, one paragraph. */
  readonly note?: string;
  /** The finished jobs that it is made from; default: all of the report's. */
  readonly from?: readonly { readonly id: string }[];
}

interface TextSection extends Titled {
  readonly kind: 'text';
  /** Paragraphs. */
  readonly text: readonly string[];
}

export interface TableSection extends Titled {
  readonly kind: 'table';
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Decimal places of numbers, of all columns or of each; default 1. A column of integers shows none. */
  readonly digits?: number | readonly number[];
  /** Whether it stands on the page folded up. */
  readonly folded?: boolean;
}

export interface LinesSection extends Titled {
  readonly kind: 'lines';
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly name: string; readonly points: readonly Point[] }[];
  readonly yDomain?: readonly [number, number];
  /** A vertical rule, e.g. at the chosen strength, or several. */
  readonly mark?: number | readonly number[];
  /** Whether points are middles of bins, so that lines are drawn as the outline of a histogram. */
  readonly binned?: boolean;
}

export interface HeatMapSection extends Titled {
  readonly kind: 'heat-map';
  readonly value: string;
  readonly columns: readonly string[];
  readonly rows: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  /** Decimal places; default 3. */
  readonly digits?: number;
}

export interface ImagesSection extends Titled {
  readonly kind: 'images';
  readonly images: readonly {
    /** A PNG in base64. */
    readonly png: string;
    readonly alt: string;
    readonly caption: readonly { readonly text: string; readonly verdict?: 'right' | 'wrong' }[];
  }[];
  /** Pixels on the page; images are enlarged without smoothing. */
  readonly width: number;
}

/** The paper's number beside ours. */
export interface PublishedSection extends Titled {
  readonly kind: 'published';
  readonly rows: readonly {
    readonly what: string;
    /** As printed, with the place it is printed in. */
    readonly published: string;
    readonly source: string;
    readonly ours: Cell;
    /** Why ours differs, or cannot be compared. */
    readonly difference: string;
  }[];
  /** Decimal places of our numbers; default 1. */
  readonly digits?: number;
}

import { corruption } from './corruption.ts';
import { clipToBytes, toUnit } from './image.ts';

const clip = (value: number): number => Math.min(Math.max(value, 0), 1);

/** V + amount in HSV space. A grey image has V = x. */
export const brightness = corruption<number>(
  // Added to V.
  {
    32: [0.05, 0.1, 0.15, 0.2, 0.3],
    64: [0.1, 0.2, 0.3, 0.4, 0.5],
    224: [0.1, 0.2, 0.3, 0.4, 0.5],
  },
  ({ data, channels }, amount) => {
    const x = toUnit(data);
    if (channels === 1) {
      for (let i = 0; i < x.length; i++) x[i] = clip(x[i]! + amount);
    } else {
      changeHsv(x, 1, 0, amount);
    }
    return clipToBytes(x);
  },
);

/** S factor + offset in HSV space. Grey has no hue to saturate: the first channel of its RGB copy stays as it is. */
export const saturate = corruption<readonly [factor: number, offset: number]>(
  // Factor and offset of S.
  {
    32: [
      [0.3, 0],
      [0.1, 0],
      [1.5, 0],
      [2, 0.1],
      [2.5, 0.2],
    ],
    64: [
      [0.3, 0],
      [0.1, 0],
      [2, 0],
      [5, 0.1],
      [30, 0.2],
    ],
    224: [
      [0.3, 0],
      [0.1, 0],
      [2, 0],
      [5, 0.1],
      [20, 0.2],
    ],
  },
  ({ data, channels }, [factor, offset]) => {
    const x = toUnit(data);
    if (channels === 3) changeHsv(x, factor, offset, 0);
    return clipToBytes(x);
  },
);

/**
 * Takes RGB to HSV, `S = clip(S factor + offset)`, `V = clip(V + amount)`, and back, in place, with skimage's conventions:
 * V = max, S = Δ / V, H = 0 where Δ = 0, and where channels tie for the maximum blue goes before green before red.
 */
function changeHsv(x: Float64Array, factor: number, offset: number, amount: number): void {
  for (let i = 0; i < x.length; i += 3) {
    const red = x[i]!;
    const green = x[i + 1]!;
    const blue = x[i + 2]!;
    const max = Math.max(red, green, blue);
    const delta = max - Math.min(red, green, blue);
    let sixths = 0;
    if (delta > 0) {
      if (blue === max) sixths = 4 + (red - green) / delta;
      else if (green === max) sixths = 2 + (blue - red) / delta;
      else sixths = (green - blue) / delta;
    }
    // The hue goes through [0, 1) and back, as in the reference, since each step rounds.
    const turn = sixths / 6;
    const hue = (turn < 0 ? turn + 1 : turn) * 6;
    const s = clip((delta > 0 ? delta / max : 0) * factor + offset);
    const v = clip(max + amount);
    const sector = Math.floor(hue);
    const f = hue - sector;
    const p = v * (1 - s);
    const q = v * (1 - f * s);
    const t = v * (1 - (1 - f) * s);
    switch (sector) {
      case 1:
        x[i] = q;
        x[i + 1] = v;
        x[i + 2] = p;
        break;
      case 2:
        x[i] = p;
        x[i + 1] = v;
        x[i + 2] = t;
        break;
      case 3:
        x[i] = p;
        x[i + 1] = q;
        x[i + 2] = v;
        break;
      case 4:
        x[i] = t;
        x[i + 1] = p;
        x[i + 2] = v;
        break;
      case 5:
        x[i] = v;
        x[i + 1] = p;
        x[i + 2] = q;
        break;
      default:
        x[i] = v;
        x[i + 1] = t;
        x[i + 2] = p;
    }
  }
}

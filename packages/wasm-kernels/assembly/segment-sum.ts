import { load, store } from './lanes';

/** y [segments, width] = the sums of those rows of x [count, width] whose id is the segment's; other ids (int32) are left out. */
export function segmentSum(count: i32, width: i32, segments: i32, x: usize, ids: usize, y: usize): void {
  const row: usize = 4 * <usize>width;
  memory.fill(y, 0, <usize>segments * row);
  for (let i = 0; i < count; i++) {
    const id = i32.load(ids + 4 * <usize>i);
    if (id >= 0 && id < segments) {
      const to = y + <usize>id * row;
      for (let j = 0; j < width; j += 4) {
        const at: usize = 4 * <usize>j;
        store(to + at, f32x4.add(load(to + at, width - j, 0), load(x + at, width - j, 0)), width - j);
      }
    }
    x += row;
  }
}

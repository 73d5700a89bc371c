/**
 * dx [batch, height, width, channels] of max pooling, from x and dy [batch, outHeight, outWidth, channels].
 *
 * A window's gradient goes to its largest value, the first in rows where several are; a NaN counts as largest, as in PyTorch.
 */
export function maxPoolGradient(
  batch: i32,
  height: i32,
  width: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  top: i32,
  left: i32,
  x: usize,
  dy: usize,
  dx: usize,
): void {
  const image = 4 * <usize>height * width * channels;
  memory.fill(dx, 0, batch * image);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < outHeight; i++) {
      const firstRow = i * strideHeight - top;
      const rows = min(firstRow + filterHeight, height);
      for (let j = 0; j < outWidth; j++) {
        const firstColumn = j * strideWidth - left;
        const columns = min(firstColumn + filterWidth, width);
        for (let c = 0; c < channels; c++, dy += 4) {
          let most: f32 = 0;
          let found: usize = 0;
          for (let row = max(firstRow, 0); row < rows; row++) {
            for (let column = max(firstColumn, 0); column < columns; column++) {
              const at: usize = 4 * ((<usize>row * width + column) * channels + c);
              const value = f32.load(x + at);
              if (found == 0 || value > most || value != value) {
                most = value;
                found = dx + at;
              }
            }
          }
          if (found != 0) f32.store(found, f32.load(found) + f32.load(dy));
        }
      }
    }
    x += image;
    dx += image;
  }
}

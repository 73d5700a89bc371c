import { elementCount } from './dtype.ts';
import { TensorIoError } from './errors.ts';

/** Strides, in elements, of a shape laid out in C order (the last index runs fastest). */
function contiguousStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** A part of a buffer seen as an array: sizes and strides count elements of `width` bytes. */
export interface StridedView {
  readonly width: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}

/** Whether the elements already lie in C order, one after the other. Strides of axes with one element do not matter. */
export function isContiguous({ shape, strides }: StridedView): boolean {
  const wanted = contiguousStrides(shape);
  return (
    shape.some((size) => size === 0) ||
    shape.every((size, axis) => size === 1 || strides[axis] === wanted[axis])
  );
}

/**
 * Refuses a view that reaches outside `elements` elements.
 *
 * @throws {TensorIoError} `TIO_BAD_STRIDES`, `TIO_BAD_SHAPE`, `TIO_OVERFLOW`.
 */
export function checkView({ offset, shape, strides }: StridedView, elements: number, where: string): void {
  const natural = [offset, ...strides].every((value) => Number.isSafeInteger(value) && value >= 0);
  if (!natural || strides.length !== shape.length) {
    throw new TensorIoError(
      'TIO_BAD_STRIDES',
      `${where}: offset ${offset} and strides [${strides.join(', ')}] do not suit shape [${shape.join(', ')}].`,
    );
  }
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, offset);
  const end = elementCount(shape, where) === 0 ? offset : last + 1;
  if (end > elements) {
    throw new TensorIoError(
      'TIO_BAD_STRIDES',
      `${where}: offset ${offset}, shape [${shape.join(', ')}] and strides [${strides.join(', ')}] reach element ${end - 1} of a storage of ${elements}.`,
    );
  }
}

/** The elements of a view in C order: the bytes themselves where they lie so, else a copy. The view must have been checked. */
export function inCOrder(bytes: Uint8Array, view: StridedView): Uint8Array {
  const { width, offset } = view;
  const count = view.shape.reduce((product, size) => product * size, 1);
  if (isContiguous(view)) return bytes.subarray(offset * width, (offset + count) * width);
  // Axes with one element are left out: thousands of them would cost time for every element.
  const axes = view.shape.flatMap((size, axis) =>
    size === 1 ? [] : { size, step: view.strides[axis]! * width },
  );
  const index = axes.map(() => 0);
  const copy = new Uint8Array(count * width);
  let from = offset * width;
  for (let to = 0; to < copy.length; to += width) {
    for (let byte = 0; byte < width; byte++) copy[to + byte] = bytes[from + byte]!;
    // Step to the next index as an odometer does.
    for (let axis = axes.length - 1; axis >= 0; axis--) {
      const { size, step } = axes[axis]!;
      from += step;
      index[axis]!++;
      if (index[axis]! < size) break;
      from -= step * size;
      index[axis] = 0;
    }
  }
  return copy;
}

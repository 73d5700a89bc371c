import { VitError } from './error.ts';
import type { NamedShapes } from './named-shapes.ts';

/** The shape of a tensor that must be there with a number of dimensions, else `VIT_CONFIG_NOT_INFERRED`. */
export function shapeOf(state: NamedShapes, name: string, rank: number): readonly number[] {
  const shape = state.get(name)?.shape;
  if (shape?.length !== rank) {
    throw notInferred(
      shape === undefined
        ? `there is no ${name} among the ${state.size} tensors`
        : `${name} is [${shape}], expected ${rank} dimensions`,
    );
  }
  return shape;
}

/** `VIT_CONFIG_NOT_INFERRED`, and what to do about it. */
export function notInferred(problem: string): VitError {
  return new VitError(
    'VIT_CONFIG_NOT_INFERRED',
    `cannot tell which vision transformer this is: ${problem}. ` +
      'Name the configuration, or store it in the file under "proj" with vitMetadata() or swinMetadata().',
  );
}

import { invalid } from './json-fields.ts';

/** Refuses class names that are not one a class (`VIT_METADATA_INVALID`). */
export function checkClassNames(
  config: { readonly name: string; readonly classes: number },
  classNames: readonly string[] | undefined,
): void {
  if (classNames !== undefined && classNames.length !== config.classes) {
    throw invalid(
      `there are ${classNames.length} class names for the ${config.classes} classes of ${config.name}`,
    );
  }
}

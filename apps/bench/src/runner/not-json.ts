/**
 * Where a value is not JSON, and what stands there: `.losses[3] is NaN`; nothing where it is. What `JSON.stringify` would drop or
 * replace without a word counts: undefined, maps, typed arrays, dates.
 */
export function notJson(value: unknown, path = '', above: readonly unknown[] = []): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : `${path || 'it'} is ${String(value)}`;
  if (typeof value !== 'object')
    return `${path || 'it'} is ${value === undefined ? 'undefined' : `a ${typeof value}`}`;
  if (above.includes(value)) return `${path} is what holds it`;
  const inside = [...above, value];
  if (Array.isArray(value)) {
    // By index, since `entries` of an object knows no holes.
    for (let i = 0; i < value.length; i++) {
      const fault = notJson(value[i], `${path}[${i}]`, inside);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  if (!isPlain(value)) return `${path || 'it'} is a ${value.constructor?.name ?? 'strange object'}`;
  for (const [name, item] of Object.entries(value)) {
    const fault = notJson(item, `${path}.${name}`, inside);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Also where it comes from another realm, as in a test or a `vm`. */
const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

/** What was frozen at a step, of one parameter or of all that are targets. */
export interface FreezeCount {
  /** Weights. */
  readonly size: number;
  readonly frozen: number;
  /** Of those frozen at the step before, how many train again; 0 at the first step that is seen. */
  readonly thawed: number;
}

/** What one step froze. */
export interface FreezeReport extends FreezeCount {
  /** frozen / size. */
  readonly share: number;
  /** By name. */
  readonly parameters: ReadonlyMap<string, FreezeCount>;
}

/** Counts frozen weights step by step; remembers one step's masks, one byte a weight, outside the backend. */
export function freezeCounter(): (masks: ReadonlyMap<string, ArrayLike<number>>) => FreezeReport {
  let before: ReadonlyMap<string, ArrayLike<number>> = new Map();
  return (masks) => {
    const parameters = new Map<string, FreezeCount>();
    for (const [name, mask] of masks) parameters.set(name, count(mask, before.get(name)));
    before = masks;
    const total = (of: keyof FreezeCount): number =>
      [...parameters.values()].reduce((sum, counts) => sum + counts[of], 0);
    const [size, frozen, thawed] = [total('size'), total('frozen'), total('thawed')];
    return { size, frozen, thawed, share: frozen / size, parameters };
  };
}

function count(mask: ArrayLike<number>, before: ArrayLike<number> | undefined): FreezeCount {
  let [frozen, thawed] = [0, 0];
  for (let i = 0; i < mask.length; i++) {
    frozen += mask[i]!;
    if (before !== undefined && before[i]! > mask[i]!) thawed++;
  }
  return { size: mask.length, frozen, thawed };
}

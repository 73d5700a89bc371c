/** The candidate with the fewest edits (insertions, deletions, substitutions) from `name`. */
export function nearestName(name: string, candidates: readonly string[]): string {
  let best = candidates[0]!;
  for (const candidate of candidates) {
    if (edits(name, candidate) < edits(name, best)) best = candidate;
  }
  return best;
}

/** Levenshtein's distance, a row at a time. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

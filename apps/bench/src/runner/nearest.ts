/** The names there are, the one that was probably meant first: the end of a refusal. */
export function thereAre(name: string, known: readonly string[]): string {
  if (known.length === 0) return 'there is none';
  const all = `there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ')}`;
  const near = nearest(name, known);
  return near === undefined ? all : `did you mean "${near}"? (${all})`;
}

/** The known name that differs least, unless most of it would have to change. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((candidate) => ({ candidate, edits: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.ceil(name.length * 0.4) ? best.candidate : undefined;
}

/** Levenshtein's: how many letters to insert, to remove or to change. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

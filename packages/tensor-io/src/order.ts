/** A surrogate stands for a code point above U+FFFF, so it sorts after U+E000 to U+FFFF. */
function rank(unit: number): number {
  return unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/** Orders names by Unicode code point, as Rust (by UTF-8 bytes) and Python sort strings; JavaScript's own order differs above U+FFFF. */
export function byCodePoint(a: string, b: string): number {
  const common = Math.min(a.length, b.length);
  for (let i = 0; i < common; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

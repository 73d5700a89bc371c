/** a b + c, rounded once where the module is built with relaxed SIMD (on machines with fused multiply-add), else twice. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b));
}

// Rows whose length is no multiple of four: the last lanes are read and written one by one.

@inline
export function load(from: usize, count: i32, missing: f32): v128 {
  if (count >= 4) return v128.load(from);
  return f32x4(
    f32.load(from),
    count > 1 ? f32.load(from, 4) : missing,
    count > 2 ? f32.load(from, 8) : missing,
    missing,
  );
}

@inline
export function store(to: usize, value: v128, count: i32): void {
  if (count >= 4) {
    v128.store(to, value);
    return;
  }
  f32.store(to, f32x4.extract_lane(value, 0));
  if (count > 1) f32.store(to, f32x4.extract_lane(value, 1), 4);
  if (count > 2) f32.store(to, f32x4.extract_lane(value, 2), 8);
}

/** Sum of the lanes, pairwise. */
@inline
export function sum(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

@inline
export function largest(x: v128): f32 {
  return max(
    max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)),
    max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)),
  );
}

// Vectors of constants. Written where it is needed, V8 makes such a vector anew each time, in three instructions, also in the
// innermost loop; a global is one load. They are exported because the optimizer would put them back in place otherwise.

export let ONE: v128 = f32x4.splat(1);
export let MINUS_HALF: v128 = f32x4.splat(-0.5);

// e^x: 1 / ln 2; ln 2 in two parts; 1.5 x 2^23 + 127; the coefficients of r^2 to r^6; where float32 ends.
export let LOG2_E: v128 = f32x4.splat(1.44269504);
export let LN2_HIGH: v128 = f32x4.splat(0.693359375);
export let LN2_LOW: v128 = f32x4.splat(-2.1219444e-4);
export let EXPONENT: v128 = f32x4.splat(12583039);
export let EXP_2: v128 = f32x4.splat(0.49999994);
export let EXP_3: v128 = f32x4.splat(0.16666521);
export let EXP_4: v128 = f32x4.splat(0.04166839);
export let EXP_5: v128 = f32x4.splat(0.0083687454);
export let EXP_6: v128 = f32x4.splat(0.001381454);
export let LEAST_EXPONENT: v128 = f32x4.splat(-87.3);

// erf: Abramowitz and Stegun 7.1.26, halved.
export let INVERSE_SQRT_2: v128 = f32x4.splat(0.70710678);
export let INVERSE_SQRT_2_PI: v128 = f32x4.splat(0.39894228);
export let ERF_P: v128 = f32x4.splat(0.3275911);
export let ERF_1: v128 = f32x4.splat(0.127414796);
export let ERF_2: v128 = f32x4.splat(-0.142248368);
export let ERF_3: v128 = f32x4.splat(0.7107068705);
export let ERF_4: v128 = f32x4.splat(-0.7265760135);
export let ERF_5: v128 = f32x4.splat(0.5307027145);

// tanh's form of GELU: 0.044715, -2 √(2/π), 2 √(2/π), 6 √(2/π) 0.044715.
export let CUBIC: v128 = f32x4.splat(0.044715);
export let MINUS_TWICE: v128 = f32x4.splat(-1.5957691);
export let TWICE: v128 = f32x4.splat(1.5957691);
export let TWICE_CUBIC: v128 = f32x4.splat(0.21406445);

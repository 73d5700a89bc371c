/** A batch of calls lasts at least this long, so that the clock's steps do not show. */
const BATCH_SECONDS = 0.02;
/** Warm is what has not become faster by a fiftieth in this many batches. */
const BATCHES_WITHOUT_GAIN = 4;

/**
 * Runs a task until it gets no faster: V8 compiles WebAssembly quickly at first, and well in the background once a function is
 * found to be hot. Stops after `longest` seconds in any case: the kernels of slow tasks have run thousands of times by then. Returns
 * the wall time of a call in seconds.
 */
export async function warmUp(
  run: (calls: number) => Promise<{ readonly wall: number }>,
  longest: number,
): Promise<number> {
  let calls = 1;
  let best = Number.POSITIVE_INFINITY;
  let withoutGain = 0;
  let total = 0;
  while (best === Number.POSITIVE_INFINITY || (withoutGain < BATCHES_WITHOUT_GAIN && total < longest)) {
    const { wall } = await run(calls);
    total += wall;
    const seconds = wall / calls;
    // A page's clock may not have moved at all in a short batch, which tells nothing.
    if (wall >= BATCH_SECONDS / 2) {
      withoutGain = seconds < 0.98 * best ? 0 : withoutGain + 1;
      best = Math.min(best, seconds);
    }
    if (wall < BATCH_SECONDS)
      calls = Math.min(calls * 10, Math.ceil(BATCH_SECONDS / Math.max(seconds, 1e-7)));
  }
  return best;
}

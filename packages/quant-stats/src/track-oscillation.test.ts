import { describe, expect, it } from 'vitest';
import { casesOf } from '../test/reference.ts';
import { type OscillationState, trackOscillation } from './track-oscillation.ts';

/** Follows one element. */
const follow = (codes: number[], settings = { momentum: 0.5 }) => {
  let state: OscillationState | undefined;
  const steps = codes.map((code) => {
    const tracked = trackOscillation(state, [code], settings);
    state = tracked.state;
    return tracked.oscillated;
  });
  return { steps, state: state! };
};

describe('oscillation', () => {
  it.each(casesOf(/^track_oscillation/).map((entry) => [entry.name, entry] as const))(
    '%s is that of the reference, bit for bit: codes, frequencies, totals and what is frozen',
    (_, { tensors, config }) => {
      const { shape, data } = tensors.get('x_int')!;
      const [steps, ...rest] = shape as [number, ...number[]];
      const size = rest.reduce((a, b) => a * b, 1);
      const at = (name: string, step: number): number[] =>
        Array.from({ length: size }, (_, i) => Math.fround(tensors.get(name)!.data[step * size + i]!) + 0);
      const threshold = config['freeze_threshold'] as number;
      const settings = {
        momentum: config['momentum'] as number,
        ...(threshold > 0 && { freezeAbove: threshold }),
      };
      let state: OscillationState | undefined;
      for (let step = 0; step < steps; step++) {
        const tracked = trackOscillation(
          state,
          Array.from(data).slice(step * size, (step + 1) * size),
          settings,
        );
        state = tracked.state;
        expect([...state.codes], `codes of step ${step}`).toEqual(at('out', step));
        expect([...state.frequency], `frequencies of step ${step}`).toEqual(at('ema_oscillation', step));
        expect([...state.total]).toEqual(at('total_oscillation', step));
        expect(tracked.oscillated).toBe(tensors.get('oscillated_sum')!.data[step]);
        if (!tensors.has('frozen')) continue;
        expect([...state.freezing!.frozen], `frozen at step ${step}`).toEqual(at('frozen', step));
        expect([...state.freezing!.averages]).toEqual(at('ema_x_int', step));
      }
      expect(state!.steps).toBe(steps);
    },
  );

  it('is a change back, not a change on, and waits for it however long', () => {
    expect(follow([0, 1, 2, 3]).steps).toEqual([0, 0, 0, 0]);
    expect(follow([0, 1, 0, 1]).steps).toEqual([0, 0, 1, 1]);
    expect(follow([0, 1, 1, 1, 0]).steps).toEqual([0, 0, 0, 0, 1]);
    expect(follow([0, 1, 0, -1]).steps).toEqual([0, 0, 1, 0]);
    const { state } = follow([0, 1, 0, 1]);
    expect([state.flips, state.total[0], state.frequency[0]]).toEqual([3, 2, 0.75]);
  });

  it('freezes an element at the rounded mean of its codes, for good', () => {
    const settings = { momentum: 0.25, freezeAbove: 0.2 };
    const { state } = follow([3, 2, 3, -8, -8], settings);
    // Averages 3, 2.75 before the step that oscillates; from then on codes are 3.
    expect([...state.codes]).toEqual([3]);
    expect([...state.freezing!.frozen]).toEqual([1]);
    // Without a threshold, what is frozen stays so.
    expect([...trackOscillation(state, [-8], { momentum: 0.25 }).state.codes]).toEqual([3]);
  });

  it('refuses codes of another tensor, codes that are none, and settings that are none', () => {
    const { state } = trackOscillation(undefined, [1, 2], { momentum: 0.01 });
    expect(() => trackOscillation(state, [1], { momentum: 0.01 })).toThrow(
      '1 codes, but 2 in the steps before',
    );
    expect(() => trackOscillation(state, [1, Number.NaN], { momentum: 0.01 })).toThrow(
      expect.objectContaining({ code: 'QS_NON_FINITE' }),
    );
    for (const wrong of [{ momentum: 0 }, { momentum: 1.5 }, { momentum: 0.1, freezeAbove: 0 }]) {
      expect(() => trackOscillation(state, [1, 2], wrong)).toThrow(
        expect.objectContaining({ code: 'QS_ARGUMENT_INVALID' }),
      );
    }
  });
});

import { expect, it } from 'vitest';
import { warmUp } from './warm-up.ts';

it('ends when a task gets no faster, and says how long a call takes at its fastest', async () => {
  const speeds = [4, 2, 1, 1, 1, 1, 1, 1];
  let batch = 0;
  const wall = await warmUp(async (calls) => ({ wall: calls * speeds[batch++]! }), 100);
  expect(wall).toBe(1);
  expect(batch).toBe(7);
});

it('stops a task that keeps getting faster after the longest time', async () => {
  let speed = 1;
  const faster = async (calls: number) => {
    speed *= 0.9;
    return { wall: calls * speed };
  };
  expect(await warmUp(faster, 2)).toBeGreaterThan(0.5);
});

it('takes more calls together until a clock of coarse steps moves', async () => {
  const step = 1e-3;
  const call = 4e-6;
  const seconds = await warmUp(async (calls) => ({ wall: step * Math.floor((calls * call) / step) }), 3);
  expect(seconds).toBeGreaterThan(0.9 * call);
  expect(seconds).toBeLessThanOrEqual(call);
});

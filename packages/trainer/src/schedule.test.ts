import { ofqCase } from '@proj/fixtures';
import { describe, expect, it } from 'vitest';
import { cosine, multiStep, perEpoch } from './schedule.ts';

interface TimmConfig {
  readonly lr: number;
  readonly epochs: number;
  readonly warmup_epochs: number;
  readonly warmup_lr: number;
  readonly min_lr: number;
}

describe('cosine', () => {
  const { config, tensors } = ofqCase('lr_schedule');
  it.each(Object.keys(config))(
    'is the schedule that timm makes for %s, cool-down and CGA included',
    (name) => {
      const { lr, epochs, warmup_epochs, warmup_lr, min_lr } = config[name] as TimmConfig;
      const schedule = cosine({
        base: lr,
        min: min_lr,
        warmup: warmup_epochs,
        warmupFrom: warmup_lr,
        total: epochs,
      });
      const expectRates = (rates: ArrayLike<number>, from: number) => {
        for (let epoch = 0; epoch < rates.length; epoch++) {
          expect(Math.abs(schedule(from + epoch) / rates[epoch]! - 1), `epoch ${epoch}`).toBeLessThan(2e-7);
        }
      };
      const trained = tensors.get(`${name}.lr`)!.data;
      expect(trained.length).toBe(310);
      expectRates(trained, 0);
      expectRates(tensors.get(`${name}.cga_lr`)!.data, epochs);
    },
  );
});

describe('multiStep', () => {
  it('multiplies by gamma at each milestone', () => {
    const schedule = multiStep({ base: 0.5, milestones: [2, 4], gamma: 0.25 });
    expect([0, 1, 2, 3, 4, 9].map(schedule)).toEqual([0.5, 0.5, 0.125, 0.125, 0.03125, 0.03125]);
  });
});

describe('perEpoch', () => {
  it('holds the rate over the steps of an epoch', () => {
    const schedule = perEpoch((epoch) => epoch, 3);
    expect([0, 1, 2, 3, 5, 6].map(schedule)).toEqual([0, 0, 0, 1, 1, 2]);
  });
});

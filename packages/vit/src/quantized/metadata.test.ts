import { expect, it } from 'vitest';
import { vitConfig } from '../configurations.ts';
import {
  classNamesFromMetadata,
  configFromMetadata,
  swinConfigFromMetadata,
  vitMetadata,
} from '../forward.ts';
import { swinConfig } from '../swin-configurations.ts';
import { ofqPlan, type QuantizedDesign } from './design.ts';
import { designFromMetadata, quantizedMetadata } from './metadata.ts';

const config = vitConfig('vit_digits_28');
const design: QuantizedDesign = { plan: ofqPlan(config, 2), weights: 'lsq+', attention: 'plain' };
const names = Array.from({ length: 10 }, (_, digit) => String(digit));

it('metadata say what the model is and how it is quantized', () => {
  const json = quantizedMetadata(config, design, names);
  expect(designFromMetadata(json)).toEqual(design);
  expect(configFromMetadata(json)).toEqual(config);
  expect(classNamesFromMetadata(json)).toEqual(names);
  const swin = swinConfig('swin_cifar_32');
  const ofq: QuantizedDesign = { plan: ofqPlan(swin, 4), weights: 'statsq', attention: 'qkr' };
  const swinJson = quantizedMetadata(swin, ofq);
  expect([designFromMetadata(swinJson), swinConfigFromMetadata(swinJson)]).toEqual([ofq, swin]);
});

it("a float model's have no design", () => {
  expect(designFromMetadata(vitMetadata(config))).toBeUndefined();
});

it('a design that there is not is refused by its field', () => {
  const wrong = (quantization: unknown) => () =>
    designFromMetadata(JSON.stringify({ ...JSON.parse(vitMetadata(config)), quantization }));
  expect(wrong(3)).toThrow('quantization must be an object, got 3');
  expect(wrong({ ...design, plan: { default: 2 } })).toThrow(
    'quantization.plan.default must be a string, got 2',
  );
  expect(wrong({ ...design, weights: 'dorefa' })).toThrow(
    'quantization.weights must be "statsq" or "lsq" or "lsq+", got "dorefa"',
  );
  expect(wrong({ ...design, attention: undefined })).toThrow(
    'quantization.attention must be "qkr" or "plain"',
  );
  expect(wrong({ ...design, plan: { ...design.plan, tail: 'w8a8' } })).toThrow('"tail" fits no layer');
  expect(wrong(JSON.parse('{"plan":{"__proto__":"w2a2"},"weights":"lsq","attention":"qkr"}'))).toThrow(
    '"__proto__" fits no layer',
  );
});

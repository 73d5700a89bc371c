import { describe, expect, it } from 'vitest';
import { classNamesFromMetadata, configFromMetadata, vitConfigs, vitMetadata } from './forward.ts';

const digits = vitConfigs.vit_digits_28;
const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** The metadata of `digits` with one field replaced. */
function changed(path: string, value: unknown): string {
  const metadata = JSON.parse(vitMetadata(digits, names));
  const keys = path.split('.');
  const last = keys.pop()!;
  keys.reduce((at, key) => at[key], metadata)[last] = value;
  return JSON.stringify(metadata);
}

describe('metadata of a model file', () => {
  it('gives back configuration and class names as they went in', () => {
    for (const config of Object.values(vitConfigs)) {
      const json = vitMetadata(config);
      expect(configFromMetadata(json)).toEqual(config);
      expect(classNamesFromMetadata(json)).toBeUndefined();
    }
    expect(classNamesFromMetadata(vitMetadata(digits, names))).toEqual(names);
  });

  it('ignores what others store beside the configuration', () => {
    expect(configFromMetadata(changed('signatures', [{ alpha: 1 }]))).toEqual(digits);
    expect(configFromMetadata(changed('config.comment', 'mine'))).toEqual(digits);
  });

  it('is refused with the field named when it is damaged', () => {
    const damaged: [string, string][] = [
      ['{', 'it is no JSON'],
      ['null', 'the whole must be an object, got null'],
      ['[]', 'the whole must be an object, got []'],
      [changed('architecture', 'resnet20'), 'architecture is "resnet20", expected "vit"'],
      [changed('config', 7), 'config must be an object, got 7'],
      [changed('config.name', 7), 'config.name must be a string, got 7'],
      [changed('config.depth', '4'), 'config.depth must be a number, got "4"'],
      [changed('config.distilled', 0), 'config.distilled must be true or false'],
      [changed('config.preprocessing', null), 'config.preprocessing must be an object'],
      [changed('config.preprocessing.mean', 0.5), 'config.preprocessing.mean must be a list, got 0.5'],
      [changed('config.preprocessing.std', [null]), 'config.preprocessing.std[0] must be a number, got null'],
      [changed('config.preprocessing.interpolation', 'box'), 'must be "bicubic" or "bilinear", got "box"'],
    ];
    for (const [json, message] of damaged) {
      expect(() => configFromMetadata(json), json).toThrow(
        expect.objectContaining({ code: 'VIT_METADATA_INVALID', message: expect.stringContaining(message) }),
      );
    }
    expect(() => configFromMetadata(changed('config.depth', 1e9))).toThrow(
      expect.objectContaining({ code: 'VIT_CONFIG_INVALID' }),
    );
  });

  it('has one class name a class or none', () => {
    const wrong = expect.objectContaining({
      code: 'VIT_METADATA_INVALID',
      message: expect.stringContaining('there are 9 class names for the 10 classes of vit_digits_28'),
    });
    expect(() => vitMetadata(digits, names.slice(1))).toThrow(wrong);
    expect(() => classNamesFromMetadata(changed('classNames', names.slice(1)))).toThrow(wrong);
  });
});

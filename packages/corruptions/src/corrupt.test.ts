import { random } from '@proj/random';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CorruptionName,
  corrupt,
  corruptImages,
  corruptionNames,
  corruptToFloat,
  type Draws,
  type RawImage,
  recordedDraws,
  seededDraws,
} from './index.ts';

const code = (code: string) => expect.objectContaining({ name: 'CorruptionError', code });

/** Stripes and a gradient with some noise: every branch of the hue, black and white. */
function picture(height: number, width: number, channels: number, seed = 1): RawImage {
  const stream = random(seed, 'picture');
  const data = Uint8Array.from({ length: height * width * channels }, (_, i) =>
    i % 7 === 0 ? 0 : i % 11 === 0 ? 255 : stream.integer(256),
  );
  return { data, height, width, channels };
}

const draws = (seed: number) => seededDraws(random(seed, 'draws'));

describe.each(corruptionNames)('%s', (name) => {
  it('gives values in [0, 255], and as bytes their truncation, at any size and severity', () => {
    const side = fc.integer({ min: 8, max: 40 });
    fc.assert(
      fc.property(
        side,
        side,
        fc.constantFrom(1, 3),
        fc.integer({ min: 1, max: 5 }),
        (h, w, channels, severity) => {
          const image = picture(h, w, channels);
          const values = corruptToFloat(image, name, severity, draws(1));
          expect(values).toHaveLength(image.data.length);
          expect(values.every((value) => value >= 0 && value <= 255)).toBe(true);
          expect(corrupt(image, name, severity, draws(1))).toEqual(Uint8Array.from(values, Math.trunc));
        },
      ),
      { numRuns: 20 },
    );
  });

  it('leaves the image that it was given alone', () => {
    const image = picture(32, 32, 3);
    corrupt(image, name, 5, draws(1));
    expect(image.data).toEqual(picture(32, 32, 3).data);
  });

  it('is defined for an all-black and an all-white image', () => {
    for (const level of [0, 255]) {
      const image = { ...picture(32, 32, 3), data: new Uint8Array(32 * 32 * 3).fill(level) };
      for (let severity = 1; severity <= 5; severity++) {
        expect(corruptToFloat(image, name, severity, draws(1)).every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('gives the same images whatever the parts in which they are corrupted', () => {
    const shape = { height: 28, width: 28, channels: 1 };
    const images = Uint8Array.from({ length: 5 }, (_, i) => i).reduce<number[]>(
      (bytes, i) => bytes.concat([...picture(28, 28, 1, i + 1).data]),
      [],
    );
    const bytes = Uint8Array.from(images);
    const whole = corruptImages(bytes, shape, name, 3, 7);
    const parts = [
      ...corruptImages(bytes.subarray(0, 2 * 784), shape, name, 3, 7),
      ...corruptImages(bytes.subarray(2 * 784), shape, name, 3, 7, 2),
    ];
    expect(Uint8Array.from(parts)).toEqual(whole);
    expect(corruptImages(bytes, shape, name, 3, 7)).toEqual(whole);
  });
});

it('a single pixel is image enough for all but pixelate and elastic_transform', () => {
  for (const name of corruptionNames) {
    const call = () => corruptToFloat(picture(1, 1, 3), name, 5, draws(1));
    if (name === 'pixelate' || name === 'elastic_transform')
      expect(call).toThrow(code('CORRUPTION_TOO_SMALL'));
    else expect(call().every(Number.isFinite), name).toBe(true);
  }
});

/** Gives every channel of a pixel the same draw where `count` is one per element, as if a grey image had been copied. */
function tripled(inner: Draws, elements: number): Draws {
  const triple = (values: Float64Array): Float64Array =>
    Float64Array.from({ length: 3 * values.length }, (_, i) => values[Math.floor(i / 3)]!);
  return {
    ...inner,
    normal: (count) => (count === elements ? triple(inner.normal(count / 3)) : inner.normal(count)),
    uniform: (count) => (count === elements ? triple(inner.uniform(count / 3)) : inner.uniform(count)),
    poisson: (means) => triple(inner.poisson(means.filter((_, i) => i % 3 === 0))),
  };
}

describe('a grey image', () => {
  it.each(corruptionNames)('gets the first channel that its RGB copy gets from %s', (name) => {
    const grey = picture(32, 32, 1);
    const copy = {
      ...grey,
      channels: 3,
      data: Uint8Array.from({ length: 3072 }, (_, i) => grey.data[Math.floor(i / 3)]!),
    };
    for (let severity = 1; severity <= 5; severity++) {
      const rgb = corruptToFloat(copy, name, severity, tripled(draws(severity), 3072));
      const first = rgb.filter((_, i) => i % 3 === 0);
      const got = corruptToFloat(grey, name, severity, draws(severity));
      expect(Math.max(...got.map((value, i) => Math.abs(value - first[i]!)))).toBeLessThan(1e-4);
    }
  });
});

describe('what is refused', () => {
  const image = picture(32, 32, 3);

  it('an unknown name, with the nearest known one', () => {
    const call = (name: string) => () => corrupt(image, name as CorruptionName, 1, draws(1));
    expect(call('gausian_noise')).toThrow(/did you mean "gaussian_noise"/);
    expect(call('foggy')).toThrow(/did you mean "fog"/);
    for (const name of ['gausian_noise', '__proto__', 'toString', '']) {
      expect(call(name)).toThrow(code('CORRUPTION_UNKNOWN_NAME'));
    }
  });

  it('a severity that is not 1 to 5', () => {
    for (const severity of [0, 6, 2.5, Number.NaN]) {
      expect(() => corrupt(image, 'fog', severity, draws(1))).toThrow(code('CORRUPTION_BAD_SEVERITY'));
    }
  });

  it('sizes that make no image', () => {
    for (const shape of [{ height: 0 }, { width: 1.5 }, { channels: 4 }, { height: -32 }]) {
      expect(() => corrupt({ ...image, ...shape }, 'fog', 1, draws(1))).toThrow(code('CORRUPTION_BAD_SHAPE'));
    }
  });

  it('values that are no bytes', () => {
    const data = new Float32Array(3072) as unknown as Uint8Array;
    expect(() => corrupt({ ...image, data }, 'fog', 1, draws(1))).toThrow(code('CORRUPTION_BAD_DATA'));
    expect(() => corruptImages(data, image, 'fog', 1, 1)).toThrow(/got Float32Array/);
  });

  it('bytes that are not as many as the sizes say', () => {
    const short = code('CORRUPTION_BAD_LENGTH');
    expect(() => corrupt({ ...image, data: image.data.subarray(1) }, 'fog', 1, draws(1))).toThrow(short);
    expect(() =>
      corruptImages(new Uint8Array(785), { height: 28, width: 28, channels: 1 }, 'fog', 1, 1),
    ).toThrow(short);
  });

  it('an index that counts nothing', () => {
    for (const index of [-1, 0.5, Number.MAX_SAFE_INTEGER]) {
      expect(() => corruptImages(image.data, image, 'fog', 1, 1, index)).toThrow(
        code('CORRUPTION_BAD_INDEX'),
      );
    }
  });

  it('arguments that are wrong even when there are no images', () => {
    const none = new Uint8Array(0);
    expect(corruptImages(none, image, 'fog', 1, 1)).toHaveLength(0);
    expect(() => corruptImages(none, image, 'fog', 9, 1)).toThrow(code('CORRUPTION_BAD_SEVERITY'));
    expect(() => corruptImages(none, image, 'mist' as CorruptionName, 1, 1)).toThrow(
      code('CORRUPTION_UNKNOWN_NAME'),
    );
  });

  it('recorded draws that are too few or too many', () => {
    expect(() => corrupt(image, 'gaussian_noise', 1, recordedDraws([0, 0]))).toThrow(
      code('CORRUPTION_DRAWS_EXHAUSTED'),
    );
    expect(() => corrupt(image, 'contrast', 1, recordedDraws([0]))).toThrow(code('CORRUPTION_DRAWS_LEFT'));
  });
});

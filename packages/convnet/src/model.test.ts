import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ConvnetLayers, convnet, convnetConfig, convnetFeatures, preprocess } from './forward.ts';

/** Layers whose values are sizes of maps; they count multiplications. */
function countingLayers(): ConvnetLayers<number> & { multiplications: number } {
  return {
    multiplications: 0,
    images: (_, { imageSize }) => imageSize,
    conv(side, { kernel, stride, padding, inChannels, outChannels }, residual) {
      const after = Math.floor((side + 2 * padding - kernel) / stride) + 1;
      if (residual !== undefined) expect(residual).toBe(after);
      this.multiplications += after ** 2 * kernel ** 2 * inChannels * outChannels;
      return after;
    },
    maxPool: (side, { kernel, stride, padding }) => Math.floor((side + 2 * padding - kernel) / stride) + 1,
    subsample(side, at) {
      expect(side).toBe(at.side);
      return side / 2;
    },
    head(side, at) {
      expect(side).toBe(at.side);
      for (const { inFeatures, outFeatures } of at.linears) this.multiplications += inFeatures * outFeatures;
      return at.linears.at(-1)!.outFeatures;
    },
  };
}

describe('the forward pass', () => {
  // As torchvision (billions, "GFLOPS" in its table of weights) and akamaster (millions) state them.
  it.each([
    ['vgg11', 7.61e9],
    ['vgg16', 15.47e9],
    ['resnet18', 1.814e9],
    ['resnet50', 4.089e9],
    ['resnet20', 40.55e6],
    ['resnet56', 125.5e6],
    ['vgg16_bn_cifar', 313.2e6],
  ])('of %s has %d multiplications, whatever computes them', (name, expected) => {
    const config = convnetConfig(name);
    const layers = countingLayers();
    expect(convnet(config, layers, 0)).toBe(config.classes);
    expect(Math.abs(layers.multiplications / expected - 1)).toBeLessThan(1e-3);
  });

  it('can stop before the head', () => {
    expect(convnetFeatures(convnetConfig('resnet50'), countingLayers(), 0)).toBe(7);
  });

  it('refuses an impossible configuration before any layer runs', () => {
    const layers = countingLayers();
    expect(() => convnet({ ...convnetConfig('resnet20'), imageSize: 30 }, layers, 0)).toThrow(
      expect.objectContaining({ code: 'CONVNET_CONFIG_INVALID' }),
    );
    expect(layers.multiplications).toBe(0);
  });

  it('and everything else behind ./forward imports nothing but files of this package', () => {
    const seen = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      const source = readFileSync(new URL(file, import.meta.url), 'utf8');
      for (const [, target] of source.matchAll(/from '([^']+)'/g)) {
        expect(target, `imported by ${file}`).toMatch(/^\.\//);
        follow(target!);
      }
    };
    follow('./forward.ts');
    expect(seen.size).toBeGreaterThan(10);
  });
});

describe('preprocess', () => {
  it('normalises each channel and puts channels first', () => {
    const config = { ...convnetConfig('resnet20'), imageSize: 4 };
    const images = Uint8Array.from({ length: 2 * 4 * 4 * 3 }, (_, i) => (i * 37) % 256);
    const values = preprocess(images, 2, config);
    const { mean, std } = config.preprocessing;
    for (const [i, byte] of images.entries()) {
      const [image, pixel, channel] = [Math.floor(i / 48), Math.floor((i % 48) / 3), i % 3];
      const expected = (byte / 255 - mean[channel]!) / std[channel]!;
      expect(values[image * 48 + channel * 16 + pixel]).toBeCloseTo(expected, 5);
    }
  });

  it('refuses bytes that are not images of the size', () => {
    expect(() => preprocess(new Uint8Array(100), 1, convnetConfig('resnet20'))).toThrow(
      expect.objectContaining({ code: 'CONVNET_IMAGE_BYTES' }),
    );
  });
});

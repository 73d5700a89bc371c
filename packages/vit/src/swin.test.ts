import { describe, expect, it } from 'vitest';
import { type SwinLayers, swin, swinConfigs } from './forward.ts';

/** Layers that only write down what they were asked for. */
const recorder: SwinLayers<readonly string[]> = {
  embed: (images, at) => [
    ...images,
    `embed ${at.proj} ${at.norm} ${at.patchSize} ${at.channels} ${at.imageSize} ${at.eps}`,
  ],
  attention: (x, { norm, attn, heads, window }) => [
    ...x,
    `attention ${norm} ${attn} ${heads} | ${window.side} ${window.size} ${window.shift} ${window.bias}`,
  ],
  mlp: (x, at) => [...x, `mlp ${at.norm} ${at.mlp} ${at.eps}`],
  merge: (x, at) => [...x, `merge ${at.norm} ${at.reduction} ${at.side}`],
  head: (x, at) => [...x, `head ${at.norm} ${at.head} ${at.eps}`],
};

describe("Swin's forward pass", () => {
  it('asks for embedding, blocks, mergers and head in order, with torchvision names', () => {
    const config = { ...swinConfigs.swin_cifar_32, depths: [2, 1], heads: [2, 4] };
    expect(swin(config, recorder, [])).toEqual([
      'embed features.0.0 features.0.2 2 3 32 0.00001',
      'attention features.1.0.norm1 features.1.0.attn 2 | 16 4 0 features.1.0.attn.relative_position_bias_table',
      'mlp features.1.0.norm2 features.1.0.mlp 0.00001',
      'attention features.1.1.norm1 features.1.1.attn 2 | 16 4 2 features.1.1.attn.relative_position_bias_table',
      'mlp features.1.1.norm2 features.1.1.mlp 0.00001',
      'merge features.2.norm features.2.reduction 16',
      'attention features.3.0.norm1 features.3.0.attn 4 | 8 4 0 features.3.0.attn.relative_position_bias_table',
      'mlp features.3.0.norm2 features.3.0.mlp 0.00001',
      'head norm head 0.00001',
    ]);
  });

  it('shifts every second block by half a window, but where a window is the whole map', () => {
    const shifts = swin(swinConfigs.swin_t, recorder, []).flatMap((step) => {
      const found = /\| (\d+) 7 (\d) /.exec(step);
      return found === null ? [] : [`${found[1]}:${found[2]}`];
    });
    expect(shifts.join(' ')).toBe('56:0 56:3 28:0 28:3 14:0 14:3 14:0 14:3 14:0 14:3 7:0 7:0');
  });

  it('refuses an impossible configuration before any layer runs', () => {
    expect(() => swin({ ...swinConfigs.swin_t, imageSize: 200 }, recorder, [])).toThrow(
      expect.objectContaining({ code: 'VIT_CONFIG_INVALID' }),
    );
  });
});

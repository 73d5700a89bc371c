import type { ParameterSpec } from './named-shapes.ts';
import { checkSwinConfig, type SwinConfig, swinStages } from './swin-config.ts';

/**
 * Every parameter of the model, with torchvision's names, shapes and order (`named_parameters()` of its `SwinTransformer`).
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function swinParameters(config: SwinConfig): ParameterSpec[] {
  checkSwinConfig(config);
  const { embedDim, channels, patchSize, windowSize, classes } = config;
  const list: ParameterSpec[] = [];
  const add = (name: string, ...shape: number[]) => list.push({ name, shape });
  const addBoth = (prefix: string, ...shape: [number, ...number[]]) => {
    add(`${prefix}.weight`, ...shape);
    add(`${prefix}.bias`, shape[0]);
  };
  addBoth('features.0.0', embedDim, channels, patchSize, patchSize);
  addBoth('features.0.2', embedDim);
  const stages = swinStages(config);
  for (const { blocks, merge, width, hidden, depth, heads } of stages) {
    for (let i = 0; i < depth; i++) {
      const block = `${blocks}.${i}`;
      addBoth(`${block}.norm1`, width);
      add(`${block}.attn.relative_position_bias_table`, (2 * windowSize - 1) ** 2, heads);
      addBoth(`${block}.attn.qkv`, 3 * width, width);
      addBoth(`${block}.attn.proj`, width, width);
      addBoth(`${block}.norm2`, width);
      addBoth(`${block}.mlp.0`, hidden, width);
      addBoth(`${block}.mlp.3`, width, hidden);
    }
    if (merge !== undefined) {
      add(`${merge}.reduction.weight`, 2 * width, 4 * width);
      addBoth(`${merge}.norm`, 4 * width);
    }
  }
  const { width } = stages.at(-1)!;
  addBoth('norm', width);
  addBoth('head', classes, width);
  return list;
}

/**
 * The buffers that a torchvision state dict holds beside the parameters: `relative_position_index` of every block, int64
 * [windowSize⁴]. They follow from the size of the window and are never read here; take them out before training.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function swinBuffers(config: SwinConfig): ParameterSpec[] {
  checkSwinConfig(config);
  return swinStages(config).flatMap(({ blocks, depth }) =>
    Array.from({ length: depth }, (_, i) => ({
      name: `${blocks}.${i}.attn.relative_position_index`,
      shape: [config.windowSize ** 4],
    })),
  );
}

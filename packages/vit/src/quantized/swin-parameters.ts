import type { ParameterSpec } from '../named-shapes.ts';
import { checkSwinConfig, type SwinConfig, swinStages } from '../swin-config.ts';
import type { QuantizedDesign } from './design.ts';
import { attentionParameters, layerParameters } from './layer-parameters.ts';

/**
 * Every parameter of a quantized Swin Transformer, with names, shapes and order of the reference code's checkpoints. They are
 * torchvision's, except that the MLP's layers `mlp.0` and `mlp.3` are `mlp.fc1` and `mlp.fc2`, and that `reduction` has a bias.
 *
 * Steps for the input of an attention are learned for each token of a window, those for maps [B, H, W, C] for each of their columns.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function quantizedSwinParameters(
  config: SwinConfig,
  design: Pick<QuantizedDesign, 'weights' | 'attention'>,
): ParameterSpec[] {
  checkSwinConfig(config);
  const { embedDim, channels, patchSize, windowSize, classes, imageSize } = config;
  const lsq = design.weights !== 'statsq';
  const norm = (prefix: string, width: number): ParameterSpec[] =>
    ['weight', 'bias'].map((name) => ({ name: `${prefix}.${name}`, shape: [width] }));
  const embedding = { steps: channels, offsets: imageSize ** 2, lsq: true };
  const stages = swinStages(config);
  const { width } = stages.at(-1)!;
  return [
    ...layerParameters('features.0.0', [embedDim, channels, patchSize, patchSize], embedding),
    ...norm('features.0.2', embedDim),
    ...stages.flatMap(({ blocks, merge, side, width, hidden, depth, heads }) => [
      ...Array.from({ length: depth }, (_, i) => `${blocks}.${i}`).flatMap((block) => [
        ...norm(`${block}.norm1`, width),
        {
          name: `${block}.attn.relative_position_bias_table`,
          shape: [(2 * windowSize - 1) ** 2, heads],
        },
        ...attentionParameters(`${block}.attn`, { tokens: windowSize ** 2, width, heads }, design),
        ...norm(`${block}.norm2`, width),
        ...layerParameters(`${block}.mlp.fc1`, [hidden, width], { steps: side, lsq }),
        ...layerParameters(`${block}.mlp.fc2`, [width, hidden], { steps: side, lsq }),
      ]),
      ...(merge === undefined
        ? []
        : [
            ...layerParameters(`${merge}.reduction`, [2 * width, 4 * width], { steps: side / 2, lsq }),
            ...norm(`${merge}.norm`, 4 * width),
          ]),
    ]),
    ...norm('norm', width),
    ...layerParameters('head', [classes, width], { steps: 1, lsq: true }),
  ];
}

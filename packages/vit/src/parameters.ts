import { checkConfig, isSwin, mlpHidden, tokenCount, type VitConfig } from './config.ts';
import { VitError } from './error.ts';
import type { NamedShapes, ParameterSpec } from './named-shapes.ts';
import type { SwinConfig } from './swin-config.ts';
import { swinBuffers, swinParameters } from './swin-parameters.ts';

/**
 * Every parameter of the model, with timm's names, shapes and order (`state_dict()` of its `VisionTransformer` and
 * `VisionTransformerDistilled`, where `dist_token` follows `pos_embed`).
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function vitParameters(config: VitConfig): ParameterSpec[] {
  checkConfig(config);
  const { embedDim: width, channels, patchSize, classes, distilled } = config;
  const hidden = mlpHidden(config);
  const list: ParameterSpec[] = [];
  const add = (name: string, ...shape: number[]) => list.push({ name, shape });
  const addBoth = (prefix: string, ...shape: [number, ...number[]]) => {
    add(`${prefix}.weight`, ...shape);
    add(`${prefix}.bias`, shape[0]);
  };
  add('cls_token', 1, 1, width);
  add('pos_embed', 1, tokenCount(config), width);
  if (distilled) add('dist_token', 1, 1, width);
  addBoth('patch_embed.proj', width, channels, patchSize, patchSize);
  for (let i = 0; i < config.depth; i++) {
    const block = `blocks.${i}`;
    addBoth(`${block}.norm1`, width);
    addBoth(`${block}.attn.qkv`, 3 * width, width);
    addBoth(`${block}.attn.proj`, width, width);
    addBoth(`${block}.norm2`, width);
    addBoth(`${block}.mlp.fc1`, hidden, width);
    addBoth(`${block}.mlp.fc2`, width, hidden);
  }
  addBoth('norm', width);
  addBoth('head', classes, width);
  if (distilled) addBoth('head_dist', classes, width);
  return list;
}

/**
 * The model's units from shallow to deep, for signatures that cover the first k of them: unit 1 is the patch embedding
 * with the tokens and positions (timm's `stem` group), then one unit a block. The final norm and the heads are in none.
 *
 * @throws {VitError} `VIT_CONFIG_INVALID`.
 */
export function vitUnits(config: VitConfig): string[][] {
  const units: string[][] = Array.from({ length: 1 + config.depth }, () => []);
  for (const { name } of vitParameters(config)) {
    const block = /^blocks\.(\d+)\./.exec(name);
    if (block !== null) units[1 + Number(block[1])]!.push(name);
    else if (/^(cls_token|pos_embed|dist_token|patch_embed\.)/.test(name)) units[0]!.push(name);
  }
  return units;
}

/**
 * Checks that exactly the model's parameters are there, in any order; the buffers that torchvision stores beside a Swin
 * Transformer's (`swinBuffers`) may be there or not.
 *
 * @throws {VitError} `VIT_PARAMETERS_MISMATCH` naming every missing, misshapen and unexpected parameter at once
 * (`problems` has one entry for each); `VIT_CONFIG_INVALID`.
 */
export function checkParameters(config: VitConfig | SwinConfig, parameters: NamedShapes): void {
  const expected = isSwin(config) ? swinParameters(config) : vitParameters(config);
  const optional = isSwin(config) ? swinBuffers(config) : [];
  const problems: string[] = [];
  for (const { name, shape } of [...expected, ...optional.filter(({ name }) => parameters.has(name))]) {
    const found = parameters.get(name)?.shape;
    if (found === undefined) problems.push(`${name} [${shape}] is missing`);
    else if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
      problems.push(`${name} is [${found}], expected [${shape}]`);
    }
  }
  const known = new Set([...expected, ...optional].map(({ name }) => name));
  for (const [name, { shape }] of parameters) {
    if (!known.has(name)) problems.push(`${name} [${shape}] is not a parameter of this model`);
  }
  if (problems.length > 0) {
    throw new VitError(
      'VIT_PARAMETERS_MISMATCH',
      `${problems.length} of the parameters do not fit ${config.name} (${expected.length} parameters): ` +
        `${problems.join('; ')}. Pass the weights of this architecture, or the configuration of these weights.`,
      problems,
    );
  }
}

import { type StateDict, tensorData, toFloat32 } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { golden, goldenState } from '../test/golden.ts';
import { toyResnet } from '../test/toy-resnet.ts';
import { dequantize, extract, patch } from './index.ts';
import { type PaperPatchOptions, paperPatch, paperStatistics, paperWeights, selectLayers } from './paper.ts';

const init = goldenState(golden.state.pretrained);
const standard = goldenState(golden.state.standard);
const robust = golden.state.robust.map(goldenState);
const layers = selectLayers(standard, 2);
const options = { init, standard, robust, layers } satisfies PaperPatchOptions;
const floats = (state: StateDict, name: string) => [...toFloat32(state.get(name)!)];
const expectClose = (state: StateDict, weights: Readonly<Record<string, readonly number[]>>) => {
  for (const [name, expected] of Object.entries(weights)) {
    for (const [i, x] of floats(state, name).entries()) {
      expect(Math.abs(x - expected[i]!), `${name} ${i}`).toBeLessThan(3e-7);
    }
  }
};
const scalars = (values: Readonly<Record<string, readonly number[]>>): StateDict =>
  new Map(Object.entries(values).map(([name, list]) => [name, tensorData('F32', [list.length], list)]));

describe("the paper's script", () => {
  it.each([1, 2, 3, 4])('selects the first %i layers', (k) => {
    expect(selectLayers(standard, k)).toEqual(golden.select_layers[k]);
  });

  it('counts a ResNet in its stem and its blocks, without statistics and head', () => {
    const names = [
      ...['conv1.weight', 'bn1.weight', 'bn1.bias', 'bn1.running_mean', 'bn1.num_batches_tracked'],
      ...['layer1.0.conv1.weight', 'layer1.0.bn1.bias', 'layer1.0.downsample.0.weight'],
      ...['layer1.1.conv1.weight', 'fc.weight'],
    ];
    const resnet = scalars(Object.fromEntries(names.map((name) => [name, [1]])));
    expect(selectLayers(resnet, 1)).toEqual(['conv1.weight', 'bn1.weight', 'bn1.bias']);
    expect(selectLayers(resnet, 3)).toEqual(names.filter((name) => !/num|running|fc/.test(name)));
    expect(() => selectLayers(resnet, 4)).toThrow(expect.objectContaining({ code: 'RWS_OPTION_INVALID' }));
  });

  it.each(golden.official_effective_coeff.examples)(
    'with --alpha $alpha and $n corruptions gives each the strength $coeff',
    ({ alpha, n, coeff }) => {
      const { coefficients, state } = paperPatch({ ...options, alpha, robust: Array(n).fill(robust[0]!) });
      expect(coefficients).toHaveLength(n);
      for (const coefficient of coefficients) expect(coefficient).toBeCloseTo(coeff, 14);
      const name = layers[0]!;
      const clean = floats(standard, name);
      const expected = clean.map((x, i) => x + n * coeff * golden.rws_k4[0]![name]![i]!);
      expectClose(state, { [name]: expected });
    },
  );

  it.each(golden.patched_k2.filter(({ alphas }) => alphas.every((alpha) => alpha >= 0)))(
    'adds signatures with strengths $alphas when the weights are their roots',
    ({ alphas, weights }) => {
      const { state } = paperPatch({ ...options, alpha: 0, finetuneAlpha: alphas.map(Math.sqrt) });
      expectClose(state, weights);
      for (const name of standard.keys()) {
        if (!(name in weights)) expect(state.get(name)).toBe(standard.get(name));
      }
    },
  );

  it("cannot subtract: a weight of -1 has the strength 1, where the paper's rule gives the golden numbers", async () => {
    const { alphas, weights } = golden.patched_k2.find(({ alphas }) => alphas.some((alpha) => alpha < 0))!;
    const { state } = paperPatch({ ...options, alpha: 0, finetuneAlpha: alphas });
    expectClose(state, golden.patched_k2[0]!.weights);
    const { signature } = await extract({
      ...{ init, standard, robust: robust[0]!, k: 1, bits: 32 },
      units: [layers],
    });
    expectClose((await patch(standard, [{ signature, alpha: -1 }])).state, weights);
  });

  it('hears --finetune_alpha only when --alpha is 0', () => {
    expect(paperWeights(2, 1, [0.3, 0.7])).toEqual([0.5, 0.5]);
    expect(paperWeights(2, 0, [0.3, 0.7])).toEqual([0.3, 0.7]);
    for (const given of [undefined, [1], [1, Number.NaN]]) {
      expect(() => paperWeights(2, 0, given)).toThrow(
        expect.objectContaining({ code: 'RWS_OPTION_INVALID' }),
      );
    }
  });

  it('quantizes all signatures of a tensor with one range, between its two multiplications', () => {
    // init 0, standard direction (1, 0): what is left of a robust model is its second value and those after.
    const states = {
      init: scalars({ 'features.0.weight': [0, 0, 0] }),
      standard: scalars({ 'features.0.weight': [1, 0, 0] }),
    };
    const two = [
      scalars({ 'features.0.weight': [5, 4, -4] }),
      scalars({ 'features.0.weight': [7, 0.5, -0.5] }),
    ];
    const quantization = { type: 'linear', levels: 3 } as const;
    const { state } = paperPatch({ ...states, robust: two, layers: ['features.0.weight'], quantization });
    // Halved, they are (0, 2, -2) and (0, 0.25, -0.25); three levels from -2 to 2 leave nothing of the second.
    expect(floats(state, 'features.0.weight')).toEqual([1, 1, -1]);
    const alone = paperPatch({ ...states, robust: [two[1]!], layers: ['features.0.weight'], quantization });
    expect(floats(alone.state, 'features.0.weight')).toEqual([1, 0.5, -0.5]);
  });

  it.each(['linear', 'log', 'tanh'] as const)('takes levels, not bits: %s', (type) => {
    const { state } = paperPatch({ ...options, robust: [robust[0]!], quantization: { type, levels: 16 } });
    for (const name of layers) {
      const clean = floats(standard, name);
      const steps = floats(state, name).map((x, i) => Math.round((x - clean[i]!) * 1e6));
      expect(new Set(steps).size).toBeLessThanOrEqual(32);
    }
  });

  it('takes two levels only for a symmetric range, and keeps zeros then', () => {
    const model = (list: number[]) => scalars({ 'features.0.weight': list });
    const of = (list: number[], levels: number, type: 'linear' | 'log' = 'linear') =>
      paperPatch({
        ...{ init: model([0, 0, 0, 0]), standard: model([1, 0, 0, 0]), robust: [model(list)] },
        ...{ layers: ['features.0.weight'], quantization: { type, levels } },
      });
    expect(floats(of([9, 3, -3, 0], 2).state, 'features.0.weight')).toEqual([1, 3, -3, 0]);
    expect(() => of([9, 3, -2, 0], 2)).toThrow(expect.objectContaining({ code: 'RWS_OPTION_INVALID' }));
    expect(() => of([9, 3, -3, 0], 1)).toThrow(expect.objectContaining({ code: 'RWS_OPTION_INVALID' }));
    expect(() => of([9, 3, -3, 0], 16, 'log')).toThrow(/zeros/);
    expect(() => of([9, 0, 0, 0], 16)).toThrow(/constant/);
  });

  it('replaces batch norm and downsampling in the whole network by the mean, whatever k and alpha', () => {
    const names = ['bn1.weight', 'layer1.0.downsample.0.weight', 'layer4.1.bn2.running_var'];
    const model = (x: number) => {
      const state = scalars({
        ...Object.fromEntries(names.map((name) => [name, [x]])),
        'conv1.weight': [x, 1],
      });
      return new Map([...state, ['bn1.num_batches_tracked', tensorData('I64', [], [x])] as const]);
    };
    const { state, replaced } = paperPatch({
      ...{ init: model(0), standard: model(1), robust: [model(3), model(6)], alpha: 0.1 },
      layers: ['conv1.weight', 'bn1.weight'],
    });
    expect(replaced).toEqual(names);
    for (const name of names) expect(floats(state, name)).toEqual([4.5]);
    expect(state.get('bn1.num_batches_tracked')).toEqual(model(1).get('bn1.num_batches_tracked'));
  });

  it('blends estimated statistics with those of the robust models when alpha is below 1', () => {
    const [before, after] = [toyResnet(0.1), toyResnet(0.3)];
    const name = 'stem.bn.running_var';
    const blended = paperStatistics(before, after, 0.25);
    const expected = floats(before, name).map((x, i) =>
      Math.fround(0.75 * x + 0.25 * floats(after, name)[i]!),
    );
    expect(floats(blended, name)).toEqual(expected);
    expect(blended.get('stem.bn.weight')).toBe(after.get('stem.bn.weight'));
    expect(paperStatistics(before, after, 1)).toBe(after);
  });

  it('transfers: the basis is one model, the target another', async () => {
    const target = new Map([
      ...robust[1]!,
      ['classifier.weight', tensorData('F32', [2, 6], Array(12).fill(1))] as const,
    ]);
    const { state } = paperPatch({ ...options, target, robust: [robust[0]!] });
    const { signature } = await extract({
      init,
      standard,
      robust: robust[0]!,
      units: [layers],
      k: 1,
      bits: 32,
    });
    for (const [name, tensor] of dequantize(signature)) {
      const delta = toFloat32(tensor);
      expectClose(state, { [name]: floats(target, name).map((x, i) => x + delta[i]!) });
    }
    expect(state.get('classifier.weight')).toBe(target.get('classifier.weight'));
  });

  it('refuses a frozen tensor, where the script divides by zero, and models that do not match', () => {
    expect(() => paperPatch({ ...options, standard: init })).toThrow(
      expect.objectContaining({
        code: 'RWS_OUT_OF_RANGE',
        message: expect.stringContaining('divides 0 by 0'),
      }),
    );
    const lacking = new Map([...robust[0]!].filter(([name]) => name !== layers[1]));
    expect(() => paperPatch({ ...options, robust: [lacking] })).toThrow(
      expect.objectContaining({ code: 'RWS_STATES_DIFFER' }),
    );
  });
});

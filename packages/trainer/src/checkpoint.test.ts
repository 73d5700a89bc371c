import { parseSafetensors, serializeSafetensors, type TensorData, tensorData } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, parseCheckpoint, serializeCheckpoint } from './checkpoint.ts';

const floats = (...values: number[]): TensorData => tensorData('F32', [values.length], values);

const checkpoint: Checkpoint = {
  parameters: new Map([
    ['head.weight', floats(1, 2, 3)],
    ['__proto__', floats(-0)],
  ]),
  buffers: new Map([['bn.num_batches_tracked', tensorData('I32', [], [7])]]),
  optimizer: {
    step: 41,
    moments: new Map([
      [
        'exp_avg',
        new Map([
          ['head.weight', floats(4, 5, 6)],
          ['__proto__', floats(0.5)],
        ]),
      ],
    ]),
  },
  position: { epoch: 3, step: 1, globalStep: 40 },
  config: { seed: 1, model: 'vit', pretrained: null, ['__proto__']: true },
};

/** The file with its JSON changed. */
async function tampered(change: (header: Record<string, unknown>) => unknown): Promise<Uint8Array> {
  const { state, metadata } = parseSafetensors(await serializeCheckpoint(checkpoint));
  const header = change(JSON.parse(metadata.get('proj.checkpoint')!));
  return serializeSafetensors(state, new Map([['proj.checkpoint', JSON.stringify(header)]]));
}

/** The file with other tensors. */
async function withTensors(change: (state: Map<string, TensorData>) => void): Promise<Uint8Array> {
  const { state, metadata } = parseSafetensors(await serializeCheckpoint(checkpoint));
  const changed = new Map(state);
  change(changed);
  return serializeSafetensors(changed, metadata);
}

describe('a checkpoint file', () => {
  it('returns every bit of parameters, buffers and moments, the position and the configuration', async () => {
    const again = await parseCheckpoint(await serializeCheckpoint(checkpoint), 'x');
    expect(Object.fromEntries(again.parameters)).toEqual(Object.fromEntries(checkpoint.parameters));
    expect(again.parameters.get('__proto__')).toEqual(checkpoint.parameters.get('__proto__'));
    expect(again.buffers).toEqual(checkpoint.buffers);
    expect(again.optimizer.step).toBe(41);
    expect(new Set(again.optimizer.moments.get('exp_avg')!)).toEqual(
      new Set(checkpoint.optimizer.moments.get('exp_avg')!),
    );
    expect(again.position).toEqual(checkpoint.position);
    expect(Object.entries(again.config)).toEqual(Object.entries(checkpoint.config));
  });

  it('is the same file for the same content', async () => {
    expect(await serializeCheckpoint(checkpoint)).toEqual(await serializeCheckpoint(checkpoint));
  });

  it('opens as a model: parameters and buffers under their own names', async () => {
    const { state } = parseSafetensors(await serializeCheckpoint(checkpoint));
    expect(new Set(state.keys())).toEqual(
      new Set([
        'head.weight',
        '__proto__',
        'bn.num_batches_tracked',
        'optimizer.exp_avg.head.weight',
        'optimizer.exp_avg.__proto__',
      ]),
    );
  });

  it('holds what a companion saved, in its own dtypes', async () => {
    const signs = { dtype: 'I8', shape: [2], bytes: Uint8Array.of(255, 1) } as const;
    const companion = new Map([['signs', signs]]);
    const bytes = await serializeCheckpoint({ ...checkpoint, companion });
    expect((await parseCheckpoint(bytes, 'x')).companion).toEqual(companion);
    expect(parseSafetensors(bytes).state.has('companion.signs')).toBe(true);
    expect(await parseCheckpoint(await serializeCheckpoint(checkpoint), 'x')).not.toHaveProperty('companion');
  });

  it.each([
    ['a parameter called companion.x', { parameters: new Map([['companion.x', floats(1)]]) }],
    ['a parameter called optimizer.x', { parameters: new Map([['optimizer.x', floats(1)]]) }],
    ['a buffer named like a parameter', { buffers: new Map([['head.weight', floats(1)]]) }],
  ])('is not written with %s', async (_, change) => {
    await expect(serializeCheckpoint({ ...checkpoint, ...change })).rejects.toThrow(
      expect.objectContaining({ code: 'TRAINER_NAME_RESERVED' }),
    );
  });

  it.each([Number.NaN, Number.NEGATIVE_INFINITY])('is not written with %d in it', async (value) => {
    const buffers = new Map([['bn.running_var', floats(1, value)]]);
    await expect(serializeCheckpoint({ ...checkpoint, buffers })).rejects.toThrow(
      expect.objectContaining({
        code: 'TRAINER_NOT_FINITE',
        message: expect.stringContaining('"bn.running_var" holds a NaN or an infinity at element 1'),
      }),
    );
  });

  it.each<[string, (header: Record<string, unknown>) => unknown]>([
    ['another version', (header) => ({ ...header, version: 2 })],
    ['a negative position', (header) => ({ ...header, epoch: -1 })],
    ['a fractional step', (header) => ({ ...header, globalStep: 0.5 })],
    ['no optimizer step', ({ optimizerStep: _, ...rest }) => rest],
    ['buffers that are no names', (header) => ({ ...header, buffers: [1] })],
    ['moments that are no list', (header) => ({ ...header, moments: 'exp_avg' })],
    ['a buffer that is not there', (header) => ({ ...header, buffers: ['bn.gone'] })],
    ['a moment that is not there', (header) => ({ ...header, moments: ['exp_avg', 'exp_avg_sq'] })],
    ['a moment it does not mention', (header) => ({ ...header, moments: [] })],
    ['a nested configuration', (header) => ({ ...header, config: { a: {} } })],
    ['no configuration', (header) => ({ ...header, config: null })],
    ['an edited configuration', (header) => ({ ...header, config: { seed: 2 } })],
    ['a list for a header', () => []],
    ['a number for a header', () => 5],
  ])('is refused with %s', async (_, change) => {
    await expect(parseCheckpoint(await tampered(change), 'run/last.safetensors')).rejects.toThrow(
      expect.objectContaining({
        code: 'TRAINER_CHECKPOINT_INVALID',
        message: expect.stringContaining('run/last.safetensors'),
      }),
    );
  });

  it('is refused when a tensor was added or taken away', async () => {
    const added = await withTensors((state) => state.set('head.bias', floats(1)));
    await expect(parseCheckpoint(added, 'x')).rejects.toThrow('"optimizer.exp_avg.head.bias" is missing');
    const taken = await withTensors((state) => state.delete('head.weight'));
    await expect(parseCheckpoint(taken, 'x')).rejects.toThrow(
      '"optimizer.exp_avg.head.weight" belongs to no parameter',
    );
  });

  it('is refused when it is only a model, or its metadata is no JSON', async () => {
    const model = serializeSafetensors(checkpoint.parameters);
    await expect(parseCheckpoint(model, 'model.safetensors')).rejects.toThrow('has no "proj.checkpoint"');
    const garbled = serializeSafetensors(checkpoint.parameters, new Map([['proj.checkpoint', '{']]));
    await expect(parseCheckpoint(garbled, 'x')).rejects.toThrow('is not JSON');
  });
});

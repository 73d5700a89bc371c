import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory, hasData } from '@proj/fixtures';
import { parseSafetensors, serializeSafetensors } from '@proj/tensor-io';
import { beforeAll, describe, expect, it } from 'vitest';
import { digits, workplace } from './workplace.ts';

const { folder, proj, json, writeIdx } = workplace();
const float = 'float/model.safetensors';
const long = { timeout: 240_000 };
const data = ['--data', 'digits', '--batch-size', '16'];
/** Six steps, with a checkpoint after every second one. */
const quantize = ['quantize', '--start', float, '--bits', 'w2a2', ...data, '--epochs', '1.5'];
const training = [...quantize, '--checkpoint-every', '2'];
/** Two more. */
const annealing = ['--cga-epochs', '0.5', '--boundary-range', '0.05'];
/** Long enough to learn something. */
const taught = '--batch-size 8 --epochs 12 --learning-rate 2e-3 --min-learning-rate 3e-4'.split(' ');
const whole = [...training, ...annealing];

const packedFile = (run: string): string => join(run, 'model.ofq.safetensors');
const read = (file: string): Buffer => readFileSync(join(folder, file));
const configOf = (run: string): Record<string, unknown> => {
  const { metadata } = parseSafetensors(new Uint8Array(read(join(run, 'checkpoint.safetensors'))));
  return JSON.parse(metadata.get('proj.checkpoint')!).config;
};

/** Sends a signal as soon as there is a checkpoint to go on from. */
const afterCheckpoint = (run: string, signal: NodeJS.Signals) => ({
  during(child: ChildProcess) {
    const watch = setInterval(() => {
      if (!existsSync(join(folder, run, 'checkpoint.safetensors'))) return;
      clearInterval(watch);
      child.kill(signal);
    }, 5);
    child.on('close', () => clearInterval(watch));
  },
});

beforeAll(async () => {
  writeIdx('digits', 'train', 64);
  writeIdx('digits', 't10k', 40);
  await json(['train', ...digits, '--epochs', '10', '--out', 'float']);
  await Promise.all([json([...whole, '--out', 'whole']), json([...training, '--out', 'trained'])]);
}, 240_000);

describe.concurrent('proj quantize', () => {
  it(
    'learns at 2 bits what the labels say, prints the bit plan first and ends in five lines',
    long,
    async () => {
      const { code, stdout, stderr } = await proj([...quantize, ...taught, '--out', 'shown']);
      expect(code, stderr).toBe(0);
      expect(stderr).toMatch(
        /^vit_digits_28 with statsq weights and qkr attention\nlayer +bits +from\npatch_embed\.proj +w8a8 +patch_embed\n/,
      );
      expect(stderr).toContain('head                w8a8  head\n');
      const lines = stdout.trimEnd().split('\n');
      expect(lines).toEqual([
        expect.stringMatching(
          /^on disk: 56\d\.\d\d KB \(float\/model\.safetensors\) to 1\d\d\.\d\d KB \(shown\/model\.ofq\.safetensors\), [45]\.\dx smaller$/,
        ),
        expect.stringMatching(
          /^weight error .*: largest 0\.\d{3} \(blocks\.\d.*\), mean 0\.\d{3} of 22 weights$/,
        ),
        expect.stringMatching(/^not at w2a2: patch_embed\.proj w8a8, head w8a8 .* in float32/),
        expect.stringMatching(
          /^oscillating weights: \d+\.\d\d %; \d+\.\d\d % within the boundary range \(step 96 of 96\)$/,
        ),
        expect.stringMatching(
          /^SHA-256 of the parameters [0-9a-f]{64}; next: proj evaluate shown\/model\.ofq\.safetensors --data digits$/,
        ),
      ]);
      const { top1 } = await json(['evaluate', packedFile('shown'), '--data', 'digits']);
      expect(top1).toBeGreaterThan(90);
    },
  );

  it('goes on after kill -9, and ends in the bits of an uninterrupted run', long, async () => {
    const killed = await proj([...whole, '--out', 'killed'], afterCheckpoint('killed', 'SIGKILL'));
    expect(killed.code).toBe(null);
    expect(existsSync(join(folder, packedFile('killed')))).toBe(false);
    const resumed = await proj([...whole, '--out', 'killed']);
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringContaining('going on from step')]);
    expect(read(packedFile('killed')).equals(read(packedFile('whole')))).toBe(true);
    expect(read('killed/model.safetensors').equals(read('whole/model.safetensors'))).toBe(true);
  });

  it(
    'checkpoints on Ctrl-C, prints the command that goes on, and goes on in the same bits',
    long,
    async () => {
      const { code, stderr } = await proj(
        [...whole, '--out', 'stopped'],
        afterCheckpoint('stopped', 'SIGINT'),
      );
      expect(code).toBe(130);
      expect(stderr).toMatch(
        /stopped at step \d+ of 8, checkpoint written; go on with:\n {2}proj quantize --start float/,
      );
      const other = await proj([...whole, '--out', 'stopped', '--weight-decay', '0']);
      expect([other.code, other.stderr]).toEqual([65, expect.stringContaining('TRAINER_CONFIG_MISMATCH')]);
      await json([...whole, '--out', 'stopped']);
      expect(read(packedFile('stopped')).equals(read(packedFile('whole')))).toBe(true);
    },
  );

  it('anneals a finished training, into the bits of one run of both', long, async () => {
    const anneal = [...whole, '--continue-from', 'trained', '--out', 'annealed'];
    const { code, stdout, stderr } = await proj(anneal);
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/going on from step 6 of 8\n(.*\n)*.*annealing from step 6 on\n/);
    expect(stdout).toContain('within the boundary range (step 8 of 8)\n');
    for (const file of ['model.ofq.safetensors', 'model.safetensors', 'checkpoint.safetensors']) {
      expect(read(`annealed/${file}`).equals(read(`whole/${file}`)), file).toBe(true);
    }
    const hint = 'give the same command with --continue-from trained and another --out';
    const inPlace = await proj([...whole, '--out', 'trained']);
    expect([inPlace.code, inPlace.stderr]).toEqual([73, expect.stringContaining(hint)]);
    const other = await proj([...anneal, '--out', 'x', '--seed', '1']);
    expect([other.code, other.stderr]).toEqual([65, expect.stringContaining('TRAINER_CONFIG_MISMATCH')]);
  });

  it('does not take a training that was stopped for one with annealing', long, async () => {
    const stopped = await proj([...training, '--out', 'early'], afterCheckpoint('early', 'SIGINT'));
    expect(stopped.code).toBe(130);
    const annealed = await proj([...whole, '--out', 'early']);
    expect([annealed.code, annealed.stderr]).toEqual([65, expect.stringContaining('CLI_NOT_ANNEALED')]);
    const early = await proj([...whole, '--continue-from', 'early/checkpoint.safetensors', '--out', 'x']);
    expect([early.code, early.stderr]).toEqual([65, expect.stringContaining('Resume that training first')]);
  });

  it('imitates another teacher, and has baselines against oscillation', long, async () => {
    const { state, metadata } = parseSafetensors(new Uint8Array(read(float)));
    const head = state.get('head.bias')!;
    const bytes = new Uint8Array(new Float32Array(head.bytes.length / 4).fill(1).map((_, i) => i % 2).buffer);
    const teacher = new Map(state).set('head.bias', { ...head, bytes });
    writeFileSync(join(folder, 'teacher.safetensors'), serializeSafetensors(teacher, metadata));
    const short = [...quantize, '--epochs', '0.5', '--weights', 'lsq', '--attention', 'plain'];
    const runs = [
      ['--out', 'alone'],
      ['--out', 'teacher', '--teacher', 'teacher.safetensors'],
      ['--out', 'dampening', '--against', 'dampening', '--dampening-strength', '10'],
    ];
    const ends = await Promise.all(runs.map((run) => json([...short, ...run])));
    expect(new Set(ends.map(({ sha256 }) => sha256)).size).toBe(3);
    await json([...short, '--out', 'freezing', '--against', 'freezing', '--freezing-from', '0.3']);
    expect(JSON.parse(configOf('freezing')['against'] as string)).toEqual({
      method: 'freezing',
      momentum: 0.01,
      threshold: { from: 0.3, to: 0.01 },
    });
  });

  it(
    'shares its steps between workers, and replaces what is there only with --force and when nothing is refused',
    long,
    async () => {
      const shared = [...quantize, '--workers', '2', '--out', 'shared'];
      expect((await json(shared))['steps']).toBe(6);
      const again = await proj(shared);
      expect([again.code, again.stderr]).toEqual([73, expect.stringContaining('exists; pass --force')]);
      const before = read(packedFile('shared'));
      const refused = await proj([
        ...whole,
        '--continue-from',
        'trained',
        '--seed',
        '1',
        '--out',
        'shared',
        '--force',
      ]);
      expect([refused.code, refused.stderr]).toEqual([
        65,
        expect.stringContaining('TRAINER_CONFIG_MISMATCH'),
      ]);
      expect(read(packedFile('shared')).equals(before)).toBe(true);
      await json([...shared, '--force', '--calibrate-only']);
      expect(existsSync(join(folder, 'shared', 'checkpoint.safetensors'))).toBe(false);
    },
  );

  it('quantizes by LSQ and plain attention, and without any training', long, async () => {
    const lsq = await json([...quantize, '--weights', 'lsq', '--attention', 'plain', '--out', 'lsq']);
    expect(lsq).toMatchObject({
      schema: 'proj.quantize/1',
      design: { weights: 'lsq', attention: 'plain' },
      skipped: [{ layer: 'patch_embed.proj' }, { layer: 'head' }],
    });
    const rounded = await json([...quantize, '--bits', 'w4a4', '--calibrate-only', '--out', 'rounded']);
    expect(rounded).toMatchObject({ steps: 0, design: { plan: { default: 'w4a4' } } });
    expect(existsSync(join(folder, 'rounded', 'checkpoint.safetensors'))).toBe(false);
    // Four bits lie closer to the float model than two.
    const error = ({ weightError }: Record<string, unknown>) => (weightError as { mean: number }).mean;
    expect(error(rounded)).toBeLessThan(
      error(await json([...quantize, '--calibrate-only', '--out', 'coarse'])),
    );
  });

  it('agrees with the float model at 8 bits, which evaluate --against tells', long, async () => {
    const fine = ['--bits', 'w8a8', '--calibrate-only', '--resize', '--out', 'fine'];
    const { next } = await json([...quantize, ...fine]);
    // What the images needed, they need again.
    expect(next).toBe(`proj evaluate ${packedFile('fine')} --data digits --resize`);
    const evaluate = ['evaluate', packedFile('fine'), '--data', 'digits', '--against', float];
    const { against } = await json(evaluate);
    expect(against).toMatchObject({ model: float, divergence: expect.any(Number) });
    expect((against as { divergence: number }).divergence).toBeLessThan(0.01);
  });
});

describe.concurrent('a quantized model', () => {
  it('evaluates the same from its codes and from its latent weights', long, async () => {
    const [packed, latent] = await Promise.all(
      [packedFile('whole'), 'whole/model.safetensors'].map((file) =>
        json(['evaluate', file, '--data', 'digits']),
      ),
    );
    expect(packed!['top1']).toBe(latent!['top1']);
    expect(packed!['loss']).toBeCloseTo(latent!['loss'] as number, 5);
    expect(packed!['quantization']).toMatchObject({ packed: true, design: { plan: { default: 'w2a2' } } });
    expect(latent!['quantization']).toMatchObject({ packed: false });
  });

  it('says in proj inspect what it is', async () => {
    const { stdout } = await proj(['inspect', packedFile('whole')]);
    expect(stdout).toContain('│ blocks.0.attn.qk.weight.codes ');
    expect(stdout).toContain(
      'quantized: codes of bits and their scales; default w2a2, patch_embed w8a8, head w8a8; weights by statsq, qkr attention\n',
    );
    expect((await json(['inspect', 'whole/model.safetensors']))['quantization']).toMatchObject({
      packed: false,
    });
  });

  it.each([
    ['export', ['--onnx', 'x.onnx']],
    ['quantize', ['--bits', 'w2a2', '--data', 'digits', '--out', 'twice']],
  ])('is refused by proj %s', async (command, rest) => {
    const file = packedFile('whole');
    const args = command === 'quantize' ? ['--start', file] : [file];
    const { code, stderr } = await proj([command, ...args, ...rest]);
    expect([code, stderr]).toEqual([
      65,
      expect.stringContaining(`CLI_QUANTIZED: ${file} is a quantized model`),
    ]);
  });

  it('is refused where its file is damaged, each time by name', async () => {
    const bytes = read(packedFile('whole'));
    writeFileSync(join(folder, 'cut.safetensors'), bytes);
    truncateSync(join(folder, 'cut.safetensors'), bytes.length - 100);
    const { state, metadata } = parseSafetensors(new Uint8Array(bytes));
    const scale = 'blocks.0.mlp.fc1.weight.scale';
    const without = new Map([...state].filter(([name]) => name !== scale));
    writeFileSync(join(folder, 'without.safetensors'), serializeSafetensors(without, metadata));
    const proj2 = metadata.get('proj')!.replace('"version":1', '"version":9');
    writeFileSync(join(folder, 'newer.safetensors'), serializeSafetensors(state, new Map([['proj', proj2]])));
    const plan = metadata.get('proj')!.replace('w2a2', 'w5a5');
    writeFileSync(join(folder, 'plan.safetensors'), serializeSafetensors(state, new Map([['proj', plan]])));
    for (const [file, message] of [
      ['cut', 'TIO_'],
      [
        'without',
        `VIT_NOT_PACKED: this is no packed model of that configuration and design, or it is damaged (1 problems): ${scale}`,
      ],
      ['newer', 'VIT_NOT_PACKED: this packed model is of version 9'],
      ['plan', 'QS_BIT_PLAN_INVALID'],
    ]) {
      const { code, stderr } = await proj(['evaluate', `${file}.safetensors`, '--data', 'digits']);
      expect([code, stderr]).toEqual([65, expect.stringContaining(message!)]);
    }
  });
});

describe.concurrent('what proj quantize refuses before any work', () => {
  it.each<[number, string, readonly string[]]>([
    [2, 'say how to quantize', ['--start', float]],
    [2, 'only a --recipe knows where to look for one', ['--bits', 'w2a2']],
    [2, '--recipe deit-huge-w1a1: there are deit-tiny-w2a2', ['--recipe', 'deit-huge-w1a1']],
    [2, "argument 'w5a2' is invalid", ['--start', float, '--bits', 'w5a2']],
    [
      2,
      'anneals a training; give --cga-epochs too',
      ['--start', float, '--bits', 'w2a2', '--continue-from', 'trained'],
    ],
    [2, 'choose another --out', [...whole.slice(1), '--continue-from', 'x']],
    [66, 'there is no y', [...whole.slice(1), '--continue-from', 'y']],
    [2, 'give --against freezing too', ['--start', float, '--bits', 'w2a2', '--freezing-to', '0.1']],
    [
      65,
      'quantize with lsq or lsq+',
      ['--start', float, '--bits', 'w2a2', '--against', 'dampening', '--batch-size', '16'],
    ],
    [
      65,
      'CLI_QUANTIZED',
      ['--start', float, '--bits', 'w2a2', '--teacher', packedFile('whole'), '--batch-size', '16'],
    ],
    [2, 'it must be above 0', ['--start', float, '--bits', 'w2a2', '--epochs', '0']],
    [2, 'give --cga-epochs too', ['--start', float, '--bits', 'w2a2', '--boundary-range', '0.01']],
    [2, 'there are only 64 images', ['--start', float, '--recipe', 'deit-tiny-w2a2']],
    [2, 'is what this is to write', ['--start', 'x/model.safetensors', '--bits', 'w2a2']],
    [66, 'give those of swin_t with --start FILE', ['--recipe', 'swin-tiny-w2a2']],
    [
      65,
      'RECIPE_OPTION_INVALID: annealing',
      ['--start', float, '--bits', 'w2a2', '--weights', 'lsq', '--cga-epochs', '1'],
    ],
  ])('%i: %s', async (exit, message, args) => {
    const { code, stderr } = await proj(['quantize', '--data', 'digits', '--out', 'x', ...args], {
      env: { PROJ_DATA_DIR: folder },
    });
    expect([code, stderr]).toEqual([exit, expect.stringContaining(message)]);
    expect(existsSync(join(folder, 'x', 'checkpoint.safetensors'))).toBe(false);
  });
});

describe('the published recipe', () => {
  const deit = 'deit_tiny_patch16_224/model.safetensors';
  const images = 'imagenet-sample-1000';
  it.runIf(hasData(deit, `${images}/images224.json`))(
    'runs on a few real images from the weights in the data folder',
    long,
    async () => {
      const few = ['--limit', '2', '--batch-size', '2', '--epochs', '1', '--cooldown-epochs', '0'];
      const { code, stdout, stderr } = await proj(
        [
          'quantize',
          ...['--recipe', 'deit-tiny-w2a2', '--data', join(dataDirectory(), images), '--out', 'deit'],
          ...[...few, '--warmup-epochs', '0', '--cga-epochs', '1'],
        ],
        { env: { PROJ_DATA_DIR: dataDirectory() } },
      );
      expect(code, stderr).toBe(0);
      expect(stderr).toContain('the recipe deit-tiny-w2a2 was published for deit_tiny_distilled_patch16_224');
      expect(stdout).toMatch(/^on disk: 22\.88 MB .* to 2\.\d\d MB/);
    },
  );
});

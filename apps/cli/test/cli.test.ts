import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory, hasData } from '@proj/fixtures';
import { parseSafetensors, serializeSafetensors } from '@proj/tensor-io';
import { beforeAll, describe, expect, it } from 'vitest';
import { digits, workplace } from './workplace.ts';

const { folder, proj, json, writeIdx } = workplace();

const recipe = [...digits, '--checkpoint-every', '2'];
const long = { timeout: 240_000 };

beforeAll(() => {
  writeIdx('digits', 'train', 64);
  writeIdx('digits', 't10k', 40);
});

/** What `proj diff` says of the models and signatures at hand, and signatures in other forms. */
async function comparesAndStores(common: readonly string[]): Promise<void> {
  const models = await json(['diff', 'clean/model.safetensors', 'fog/model.safetensors']);
  expect(models).toMatchObject({ schema: 'proj.diff/1', left: [] });
  expect((models['global'] as { relativeDifference: number }).relativeDifference).toBeGreaterThan(0);
  const signatures = ['fog.rws.safetensors', 'contrast.rws.safetensors'];
  const pair = await json(['diff', ...signatures]);
  const { cosine } = pair['global'] as { cosine: number };
  const three = await json(['diff', ...signatures, signatures[0]!]);
  expect((three['cosines'] as number[][])[0]![1]).toBeCloseTo(cosine, 10);
  expect((three['cosines'] as number[][])[0]![2]).toBeCloseTo(1, 10);
  expect(three['names']).toEqual(['fog-s5', 'contrast-s5', 'fog-s5']);
  expect((await proj(['diff', ...signatures])).stdout).toContain('all together: relative difference');
  expect((await proj(['diff', signatures[0]!, 'clean/model.safetensors'])).code).toBe(2);

  const other = [
    ...common,
    '--robust',
    'fog/model.safetensors',
    '--units',
    'all',
    '--out',
    'other.rws.safetensors',
  ];
  const sparse = ['--quantizer', 'log', '--levels', '9', '--density', '0.1', '--batch-norm', 'recalibrate'];
  expect(await json(['extract', ...other, ...sparse])).toMatchObject({
    quantizer: { scheme: 'log', levels: 9 },
    structure: { kind: 'sparse', density: 0.1 },
    batchNorm: 'recalibrate',
    k: 5,
  });
  const { stdout } = await proj(['inspect', 'other.rws.safetensors']);
  expect(stdout).toContain('log, 9 levels in 4 bits per value, density 0.1');
  expect(stdout).toContain('after patching, batch norm must be recalibrated');
  for (const wrong of [
    ['--bits', '4', '--levels', '9'],
    ['--density', '2'],
    ['--quantizer', 'sign', '--levels', '2'],
  ]) {
    expect((await proj(['extract', ...other, ...wrong, '--force'])).code).toBe(2);
  }
}

describe('proj', () => {
  it('shows help with examples and refuses what it does not know, with a suggestion', async () => {
    const help = await proj(['patch', '--help']);
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('Examples:\n  proj patch clean.safetensors fog.rws.safetensors');
    const unknown = await proj(['evaluate', 'model.safetensors', '--data', 'digits', '--severty', '3']);
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain("unknown option '--severty'\n(Did you mean --severity?)");
    expect((await proj(['inspct', 'x'])).stderr).toContain('Did you mean inspect?');
    expect((await proj(['evaluate', 'm', '--data', 'd', '--severity', '9'])).code).toBe(2);
  });

  it(
    'trains, goes on after Ctrl-C and kill -9, and ends in the bits of an uninterrupted run',
    long,
    async () => {
      const whole = await json(['train', ...recipe, '--epochs', '4', '--out', 'whole']);
      expect(whole.schema).toBe('proj.train/1');

      const interrupted = await proj(['train', ...recipe, '--epochs', '4', '--out', 'parts'], {
        during: (child) => child.stderr!.once('data', () => child.kill('SIGINT')),
      });
      expect(interrupted.code).toBe(130);
      expect(interrupted.stderr).toContain('go on with:\n  proj train --model vit_digits_28');

      const killed = await proj(['train', ...recipe, '--epochs', '4', '--out', 'parts'], {
        during: (child) => setTimeout(() => child.kill('SIGKILL'), 2500),
      });
      if (killed.code !== 0) {
        const { sha256 } = await json(['train', ...recipe, '--epochs', '4', '--out', 'parts']);
        expect(sha256).toBe(whole['sha256']);
      }
      const [a, b] = ['whole', 'parts'].map((run) => readFileSync(join(folder, run, 'model.safetensors')));
      expect(a!.equals(b!)).toBe(true);

      const other = await proj(['train', ...recipe, '--epochs', '4', '--out', 'whole']);
      expect(other.code).toBe(73);
      expect(other.stderr).toContain('whole/model.safetensors exists; pass --force');
    },
  );

  it('extracts, patches and takes off again, bit for bit', long, async () => {
    const start = ['--start', 'whole/model.safetensors', '--epochs', '2'];
    await json(['train', ...recipe, ...start, '--out', 'clean']);
    await json(['train', ...recipe, ...start, '--corruption', 'fog', '--out', 'fog']);
    await json(['train', ...recipe, ...start, '--corruption', 'contrast', '--out', 'contrast']);
    const common = ['--start', 'whole/model.safetensors', '--standard', 'clean/model.safetensors'];
    for (const corruption of ['fog', 'contrast']) {
      const extracted = await json([
        'extract',
        ...common,
        '--robust',
        `${corruption}/model.safetensors`,
        '--corruption',
        corruption,
        '--out',
        `${corruption}.rws.safetensors`,
      ]);
      expect(extracted).toMatchObject({ schema: 'proj.extract/1', bits: 4, k: 2, projection: 'orthogonal' });
    }
    await comparesAndStores(common);
    const patched = await json([
      'patch',
      'clean/model.safetensors',
      'fog.rws.safetensors',
      'contrast.rws.safetensors@0.5',
      '--out',
      'both.safetensors',
    ]);
    const { before } = patched['sha256'] as { before: string };

    const summed = await json(['inspect', 'fog.rws.safetensors']);
    expect(summed['signature']).toMatchObject({ k: 2, bits: 4, about: { corruption: 'fog', severity: 5 } });
    expect((await proj(['inspect', 'fog.rws.safetensors'])).stdout).toMatch(
      /signature fog-s5 of fog, severity 5; id .*\n.*x smaller than the model/,
    );
    const inspected = await json(['inspect', 'both.safetensors', '--hash']);
    expect(inspected['sha256']).toBe((patched['sha256'] as { after: string }).after);

    const rest = await json([
      'unpatch',
      'both.safetensors',
      '--signature',
      'fog-s5',
      '--out',
      'contrast-only.safetensors',
    ]);
    expect(rest['left']).toMatchObject([{ name: 'contrast-s5', alpha: 0.5 }]);
    const restored = await json(['unpatch', 'contrast-only.safetensors', '--out', 'restored.safetensors']);
    expect(restored['sha256']).toBe(before);
    expect(
      readFileSync(join(folder, 'restored.safetensors')).equals(
        readFileSync(join(folder, 'clean', 'model.safetensors')),
      ),
    ).toBe(true);

    const wrong = await proj([
      'patch',
      'whole/model.safetensors',
      'fog.rws.safetensors',
      '--out',
      'no.safetensors',
    ]);
    expect(wrong.code).toBe(65);
    expect(wrong.stderr).toContain('RWS_SIGNATURE_MISMATCH');
  });

  it(
    'composes by a rule, with strengths of single units and tensors, and gives the file back',
    long,
    async () => {
      const patched = await json([
        'patch',
        'clean/model.safetensors',
        'fog.rws.safetensors@1,0=0.5,blocks.0.attn.qkv.weight=-0.25',
        'contrast.rws.safetensors@0.5',
        ...['--rule', 'ties:0.5', '--out', 'merged.safetensors'],
      ]);
      expect(patched).toMatchObject({
        rule: { kind: 'ties', definition: 'paper', density: 0.5 },
        applied: expect.arrayContaining([
          expect.objectContaining({
            ...{ name: 'fog-s5', alpha: 1, units: { 0: 0.5 } },
            tensors: { 'blocks.0.attn.qkv.weight': -0.25 },
          }),
        ]),
        report: { conflicts: [{ cosine: expect.any(Number), signConflicts: expect.any(Number) }] },
      });
      await json(['unpatch', 'merged.safetensors', '--out', 'unmerged.safetensors']);
      const [original, restored] = ['clean/model.safetensors', 'unmerged.safetensors'].map((name) =>
        readFileSync(join(folder, name)),
      );
      expect(restored!.equals(original!)).toBe(true);
      for (const wrong of ['dare:0.5', 'ties:0', 'sum:1', 'median']) {
        const refused = await proj(['patch', 'clean/model.safetensors', 'x', '--rule', wrong, '--out', 'y']);
        expect(refused.code).toBe(2);
        expect(refused.stderr).toContain(`"${wrong}" is no rule`);
      }
      for (const wrong of ['1,0', '1,0=0.5,0=1', '1,0=x']) {
        const refused = await proj([
          'patch',
          'clean/model.safetensors',
          `fog.rws.safetensors@${wrong}`,
          '--out',
          'y',
        ]);
        expect(refused.stderr).toContain('is no strength');
      }
    },
  );

  it('searches units and strength, and keeps them in a signature that recommends them', long, async () => {
    const search = [
      'search',
      'clean/model.safetensors',
      'fog.rws.safetensors',
      '--data',
      'digits',
      '--split',
      'test',
    ];
    const found = await json([
      ...search,
      '--alphas',
      '0,1',
      '--refine',
      '1',
      '--out',
      'tuned.rws.safetensors',
    ]);
    const { k, alpha, curve } = found as unknown as {
      k: number;
      alpha: number;
      curve: { k: number; alpha: number }[];
    };
    expect(curve.slice(0, 3)).toMatchObject([
      { k: 1, alpha: 1 },
      { k: 2, alpha: 1 },
      { k, alpha: 0 },
    ]);
    const { signature } = await json(['inspect', 'tuned.rws.safetensors']);
    expect(signature).toMatchObject({ k, about: { recommendedAlpha: alpha, corruption: 'fog' } });
    const patched = await json([
      'patch',
      'clean/model.safetensors',
      'tuned.rws.safetensors',
      '--out',
      'tuned.safetensors',
    ]);
    expect(patched['applied']).toMatchObject([{ alpha }]);
  });

  it('evaluates clean and corrupted images and ends with 3 below a demanded accuracy', long, async () => {
    const clean = await json(['evaluate', 'clean/model.safetensors', '--data', 'digits']);
    expect(clean).toMatchObject({ schema: 'proj.evaluate/1', architecture: 'vit_digits_28', images: 40 });
    const corrupted = await proj([
      'evaluate',
      'clean/model.safetensors',
      '--data',
      'digits',
      '--corruption',
      'fog',
      '--min-top1',
      '101',
    ]);
    expect(corrupted.code).toBe(3);
    expect(corrupted.stdout).toContain('images/s');
    expect(corrupted.stderr).toContain('is below --min-top1 101');
  });

  it("reads names as PyTorch's data-parallel training writes them", long, async () => {
    const evaluate = (model: string) => json(['evaluate', model, '--data', 'digits']);
    const { state, metadata } = parseSafetensors(readFileSync(join(folder, 'clean', 'model.safetensors')));
    const wrapped = new Map([...state].map(([name, tensor]) => [`module.${name}`, tensor]));
    writeFileSync(join(folder, 'wrapped.safetensors'), serializeSafetensors(wrapped, metadata));
    const [wrapper, clean] = await Promise.all(
      ['wrapped.safetensors', 'clean/model.safetensors'].map(evaluate),
    );
    expect(wrapper!['top1']).toBe(clean!['top1']);
  });

  it('exports a model as an ONNX file that says what it is, and overwrites none', async () => {
    const exported = await json(['export', 'clean/model.safetensors', '--onnx', 'clean.onnx']);
    const file = readFileSync(join(folder, 'clean.onnx'));
    expect(exported).toEqual({
      schema: 'proj.export/1',
      file: 'clean.onnx',
      architecture: 'vit_digits_28',
      bytes: file.length,
      images: ['batch', 1, 28, 28],
      logits: ['batch', 10],
    });
    expect(file.includes('blocks.3.attn.qkv.weight')).toBe(true);
    expect(file.includes('"classNames":["0","1","2"')).toBe(true);
    const again = ['export', 'clean/model.safetensors', '--onnx', 'clean.onnx'];
    expect((await proj(again)).code).toBe(73);
    expect((await proj([...again, '--force'])).stdout).toMatch(
      /^clean\.onnx: vit_digits_28, images \[batch, 1, 28, 28\] to logits \[batch, 10\], .* KB\n$/,
    );
  });

  it('corrupts a data set into arrays with a contact sheet, which can be evaluated', long, async () => {
    const data = ['--data', 'digits', '--limit', '6', '--out', 'corrupted'];
    const { shape } = await json(['corrupt', 'contrast', ...data]);
    expect(shape).toEqual([30, 28, 28, 1]);
    const [arrays, sheet] = ['npy', 'png'].map((ending) =>
      readFileSync(join(folder, 'corrupted', `contrast.${ending}`)),
    );
    expect(arrays!.length).toBeGreaterThan(30 * 784);
    expect(sheet!.subarray(1, 4).toString()).toBe('PNG');
    const evaluated = await json([
      'evaluate',
      'clean/model.safetensors',
      '--data',
      'corrupted/contrast.npy@5',
    ]);
    expect(evaluated).toMatchObject({ dataset: 'contrast-5', images: 6 });
    await json(['corrupt', 'fog', ...data]);
    const again = await proj(['corrupt', 'fog', ...data]);
    expect([again.code, again.stderr]).toEqual([73, expect.stringContaining('corrupted/fog.npy exists')]);
    const others = await proj(['corrupt', 'snow', ...data, '--limit', '8']);
    expect([others.code, others.stderr]).toEqual([
      73,
      expect.stringContaining('corrupted/labels.npy belongs to other images'),
    ]);
  });

  it('refuses damaged, foreign and missing files with a named reason and the right exit code', async () => {
    truncateSync(join(folder, 'both.safetensors'), 5000);
    const damaged = await proj(['inspect', 'both.safetensors']);
    expect(damaged.code).toBe(65);
    expect(damaged.stderr).toMatch(/^proj: TIO_[A-Z_]+: both\.safetensors/);
    const missing = await proj(['inspect', 'nowhere.safetensors', '--json']);
    expect(missing.code).toBe(66);
    expect(JSON.parse(missing.stdout)).toMatchObject({
      schema: 'proj.error/1',
      code: 'TIO_NOT_FOUND',
      exit: 66,
    });
    expect((await proj(['evaluate', 'clean/model.safetensors', '--data', 'nowhere'])).code).toBe(66);
    expect((await proj(['evaluate', 'fog.rws.safetensors', '--data', 'digits'])).code).toBe(65);
    expect((await proj(['unpatch', 'clean/model.safetensors', '--out', 'x.safetensors'])).stderr).toContain(
      'RWS_NOT_PATCHED',
    );
  });

  it('tells what the machine offers and which data sets there are', long, async () => {
    const doctor = await json(['doctor']);
    const { flavour, backend } = doctor['kernels'] as { flavour: string; backend: string };
    expect(backend).toBe('wasm');
    const rates = doctor['gigaflops'] as Record<string, number>;
    expect(Object.keys(rates)).toContain(flavour);
    expect(rates['reproducible']).toBeGreaterThan(1);
    const { datasets } = (await json(['data', 'list'])) as unknown as { datasets: { name: string }[] };
    expect(datasets.map(({ name }) => name)).toContain('cifar10');
  });

  const deit = 'deit_tiny_patch16_224/model.safetensors';
  it.runIf(hasData(deit, 'imagenet-sample-1000/images224.json'))(
    'evaluates the real DeiT-Tiny on real images',
    long,
    async () => {
      const model = join(dataDirectory(), deit);
      const data = join(dataDirectory(), 'imagenet-sample-1000');
      const { top1, images } = (await json([
        'evaluate',
        model,
        '--data',
        data,
        '--limit',
        '24',
        '--batch-size',
        '8',
      ])) as unknown as { top1: number; images: number };
      expect(images).toBe(24);
      expect(top1).toBeGreaterThan(70);
    },
  );
});

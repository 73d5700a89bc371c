import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serializeSafetensors, tensorData } from '@proj/tensor-io';
import { readSafetensors, writeSafetensors } from '@proj/tensor-io/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { digits, workplace } from './workplace.ts';

const { folder, proj, json, writeIdx } = workplace();
const model = 'clean/model.safetensors';
const signature = 'fog.rws.safetensors';
const extract = ['extract', '--standard', model, '--robust', 'fog/model.safetensors'];
const train = ['train', ...digits, '--epochs', '1'];
const patch = ['patch', model, signature];

beforeAll(async () => {
  writeIdx('digits', 'train', 64);
  writeIdx('digits', 't10k', 40);
  writeIdx('test-only', 't10k', 8);
  mkdirSync(join(folder, 'empty'));
  writeFileSync(join(folder, 'file'), 'some text');
  await json([...train, '--out', 'clean']);
  await json([...train, '--out', 'fog', '--corruption', 'fog']);
  await json([...extract, '--name', 'fog', '--out', signature]);
  await json([...patch, '--out', 'patched.safetensors']);
  const { state } = await readSafetensors(join(folder, model));
  await writeSafetensors(join(folder, 'bare.safetensors'), state);
  const list = { size: [28, 28], class_names: ['a', 'b'], images: [[0, 1, 1, 'b.png']] };
  writeFileSync(join(folder, 'two.json'), JSON.stringify(list));
  writeFileSync(join(folder, 'two.bin'), ' ');
  await json(['corrupt', 'fog', '--data', 'test-only', '--out', 'renamed']);
  writeFileSync(join(folder, 'renamed', 'classes.json'), JSON.stringify(['a', 'b', ...'23456789']));
});

describe('what proj ends with', () => {
  it.concurrent.each<[number, string, readonly string[]]>([
    [1, 'TRAINER_', [...train, '--out', 'diverged', '--learning-rate', '1e38', '--warmup-epochs', '0']],
    [2, '--batch-size 100: there are only 64 images', [...train, '--out', 'x', '--batch-size', '100']],
    [2, '--workers 17: a step has only 16 images', [...train, '--out', 'x', '--workers', '17']],
    [2, "option '--learning-rate <x>' argument '-1'", [...train, '--out', 'x', '--learning-rate', '-1']],
    [2, "option '--bits <n>' argument '17'", [...extract, '--out', 'x', '--bits', '17']],
    [2, '--units 99: vit_digits_28 has 5', [...extract, '--out', 'x', '--units', '99']],
    [2, '--projection orthogonal needs --start', [...extract, '--out', 'x', '--projection', 'orthogonal']],
    [
      2,
      '--model vit_cifar_32: clean/model.safetensors says that it is a vit_digits_28',
      [...train, '--out', 'x', '--start', model, '--model', 'vit_cifar_32'],
    ],
    [2, 'is what this training is to write', [...train, '--out', 'clean', '--force', '--start', model]],
    [2, '"x" behind @ is no strength', ['patch', model, `${signature}@x`, '--out', 'x']],
    [
      2,
      '--signature fog: it is named twice',
      ['unpatch', 'patched.safetensors', '--signature', 'fog', 'fog', '--out', 'x'],
    ],
    [2, 'give the severity behind it', ['evaluate', model, '--data', 'renamed/fog.npy@7']],
    [
      65,
      'RECIPE_CLASSES: class 0 is "a" in fog-5 and "0"',
      ['evaluate', model, '--data', 'renamed/fog.npy@5'],
    ],
    [
      65,
      'two has 2 classes and vit_digits_28 knows 10',
      ['evaluate', 'bare.safetensors', '--data', 'two.json'],
    ],
    [66, 'cannot read digits: EISDIR', ['patch', model, 'digits', '--out', 'x']],
    [
      66,
      'cannot read dir@2/fog.rws.safetensors: ENOENT',
      ['patch', model, 'dir@2/fog.rws.safetensors@1', '--out', 'x'],
    ],
    [
      66,
      `${folder}/cifar10_none.med.br is not there`,
      ['evaluate', model, '--data', join(folder, 'cifar10_none.med.br')],
    ],
    [
      65,
      'VIT_PARAMETERS_MISMATCH',
      ['evaluate', 'bare.safetensors', '--data', 'digits', '--model', 'vit_cifar_32'],
    ],
    [65, 'VIT_CONFIG_NOT_INFERRED', ['export', signature, '--onnx', 'x.onnx']],
    [66, 'TIO_NOT_FOUND', ['export', 'nowhere.safetensors', '--onnx', 'x.onnx']],
    [73, 'there is no folder nowhere', ['export', model, '--onnx', 'nowhere/x.onnx']],
    [2, 'says that it is a vit_digits_28', [...extract, '--model', 'vit_cifar_32', '--out', 'x']],
    [66, 'TIO_NOT_A_FILE', ['inspect', 'digits']],
    [66, 'pass --split test', [...train, '--out', 'x', '--data', 'test-only']],
    [66, 'fetch it with: proj data get cifar10', ['evaluate', model, '--data', 'cifar10']],
    [73, 'there is no folder nowhere', [...patch, '--out', 'nowhere/x.safetensors']],
    [73, 'digits is a folder', [...patch, '--out', 'digits', '--force']],
    [73, 'proj: EEXIST: file already exists', [...train, '--out', 'file']],
    [73, 'proj: ENOTDIR: not a directory', ['corrupt', 'fog', '--data', 'digits', '--out', 'file/c']],
  ])('%i for %s', async (exit, message, args) => {
    const { code, stdout, stderr } = await proj(args, { env: { PROJ_CACHE_DIR: join(folder, 'empty') } });
    expect([code, stderr]).toEqual([exit, expect.stringContaining(message)]);
    expect(stdout).toBe('');
  });

  it('2 and a document with --json for options that nobody knows', async () => {
    const { code, stdout } = await proj(['inspect', model, '--hsh', '--json']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      schema: 'proj.error/1',
      code: 'CLI_USAGE',
      exit: 2,
      message: "unknown option '--hsh'\n(Did you mean --hash?)",
    });
    expect(JSON.parse((await proj(['--json'])).stdout).message).toContain('name a command');
  });

  it('0 and silence when the reader of its output has seen enough', async () => {
    const { code, stderr } = await proj(['inspect', model], { during: (child) => child.stdout!.destroy() });
    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('what stands in a file', () => {
  it('cannot steer the terminal', async () => {
    const state = new Map([['a\u001b[2J\nb', tensorData('F32', [1], [0])]]);
    const metadata = new Map([['note', '\u009b31m\u202e']]);
    writeFileSync(join(folder, 'hostile.safetensors'), serializeSafetensors(state, metadata));
    const { stdout } = await proj(['inspect', 'hostile.safetensors']);
    expect(stdout).toContain('│ a\\x1b[2J\\x0ab │ F32 ');
    expect(stdout).toContain('metadata note: \\x9b31m\\u202e\n');
    const { stderr } = await proj(['inspect', 'a\u001b[2J']);
    expect(stderr).toMatch(/^proj: TIO_NOT_FOUND: cannot open a\\x1b\[2J: .*\n$/);
  });
});

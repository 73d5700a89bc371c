import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { digits, workplace } from './workplace.ts';

const { folder, proj, json, writeIdx } = workplace();
const interrupt = {
  during: (child: ChildProcess) => child.stderr!.once('data', () => child.kill('SIGINT')),
};

beforeAll(() => {
  writeIdx('digits', 'train', 64);
  writeIdx('many', 't10k', 6000);
});

describe('Ctrl-C', () => {
  it('ends the corrupting of images, before the arrays are written', async () => {
    const { code, stderr } = await proj(['corrupt', 'glass_blur', '--data', 'many', '--out', 'c'], interrupt);
    expect([code, stderr]).toEqual([130, expect.stringMatching(/proj: interrupted\n$/)]);
    expect(existsSync(join(folder, 'c', 'glass_blur.npy'))).toBe(false);
  });

  it('ends it before a training too, and ends at once when it comes twice', async () => {
    const args = ['train', ...digits, '--data', 'many', '--split', 'test', '--corruption', 'glass_blur'];
    const { code } = await proj([...args, '--out', 'none'], {
      during: (child) =>
        child.stderr!.once('data', () => {
          child.kill('SIGINT');
          setTimeout(() => child.kill('SIGINT'), 1);
        }),
    });
    expect(code).toBe(130);
    expect(existsSync(join(folder, 'none', 'checkpoint.safetensors'))).toBe(false);
  });

  it('leaves a checkpoint from which the command that it prints goes on, also when the training replaces another', async () => {
    const out = ['--out', "it's here"];
    const model = join(folder, "it's here", 'model.safetensors');
    await json(['train', ...digits, ...out, '--epochs', '1']);
    const args = ['--json', 'train', '--force', ...digits, ...out, '--epochs', '20'];
    const { code, stdout } = await proj(args, { ...interrupt, env: { PROJ_COMMAND: 'npm run proj --' } });
    expect(code).toBe(130);
    expect(JSON.parse(stdout).message).toMatch(
      /checkpoint written; go on with:\n {2}npm run proj -- --json train --model vit_digits_28 .* --out 'it'\\''s here' --epochs 20$/,
    );
    expect(existsSync(model)).toBe(false);
    const resumed = await proj(args.filter((arg) => arg !== '--force'));
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringContaining('going on from step')]);
    expect(existsSync(model)).toBe(true);
  });
});

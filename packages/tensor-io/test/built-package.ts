import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsup';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Builds this package into `folder/node_modules`, where plain Node finds it and every user may read it. */
export async function buildInto(folder: string): Promise<void> {
  const target = join(folder, 'node_modules/@proj/tensor-io');
  await mkdir(target, { recursive: true });
  await chmod(folder, 0o755);
  await copyFile(join(root, 'package.json'), join(target, 'package.json'));
  await symlink(join(root, 'node_modules/fflate'), join(folder, 'node_modules/fflate'));
  await build({
    entry: ['index', 'node'].map((name) => join(root, `src/${name}.ts`)),
    outDir: join(target, 'dist'),
    format: 'esm',
    target: 'es2022',
    tsconfig: join(root, 'tsconfig.json'),
    external: ['fflate'],
    config: false,
    silent: true,
  });
}

// Bundles tfjs-core's gradient definitions into src/generated/gradients.js, on top of the *public* API of '@tensorflow/tfjs-core'.
//
// tfjs-core's own entry for them cannot be imported by Node (its imports have no extensions), and bundling it plainly brings a
// second copy of tensors and operations that lacks what the first one set up, and fails in the middle of a backward pass.
// So whatever tfjs-core exports is imported from there, and only what it keeps to itself is bundled.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const CORE = '@tensorflow/tfjs-core';
const ENTRY = 'register_all_gradients.js';
const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const publicNames = new Set(Object.keys(require(CORE)));
const dist = path.dirname(require.resolve(CORE));

// Modules whose exports, where public, are public under the same name. (Not so `log`: there the function, publicly the operation.)
const sameNames = /^(ops\/.*|kernel_names|kernel_registry|environment|gradients|base)\.js$/;
// Modules with state, where what is bundled asks for it under a name that is not public.
const standIns = new Map([
  ['engine.js', `import { engine } from '${CORE}'; export const ENGINE = engine();`],
  [
    'tensor.js',
    `import { Tensor } from '${CORE}'; export { Tensor }; export const getGlobalTensorClass = () => Tensor;`,
  ],
]);
// Modules with state, of which there must be one copy only.
const stateful = ['engine.js', 'tensor.js', 'environment.js', 'kernel_registry.js', 'globals.js', 'base.js'];

async function exportsOf(file) {
  const result = await build({
    entryPoints: [file],
    bundle: false,
    write: false,
    metafile: true,
    format: 'esm',
    outdir: dist,
    logLevel: 'error',
  });
  return Object.values(result.metafile.outputs)[0].exports;
}

const redirect = {
  name: 'public-core',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\./ }, ({ path: relative, resolveDir }) => {
      const file = path.resolve(resolveDir, relative.endsWith('.js') ? relative : `${relative}.js`);
      const module = path.relative(dist, file);
      const namespace = sameNames.test(module) || standIns.has(module) ? 'shared' : 'file';
      return { path: file, namespace, sideEffects: module === ENTRY };
    });
    onResolve({ filter: /^original:/ }, ({ path: file }) => ({
      path: file.slice('original:'.length),
      sideEffects: false,
    }));
    onLoad({ filter: /.*/, namespace: 'shared' }, async ({ path: file }) => {
      const standIn = standIns.get(path.relative(dist, file));
      if (standIn !== undefined) return { contents: standIn, resolveDir: root };
      const names = await exportsOf(file);
      const from = (list, source) =>
        list.length > 0 ? `export { ${list.join(', ')} } from '${source}';\n` : '';
      const shared = names.filter((name) => publicNames.has(name));
      const own = names.filter((name) => !publicNames.has(name));
      return { contents: from(shared, CORE) + from(own, `original:${file}`), resolveDir: path.dirname(file) };
    });
  },
};

const result = await build({
  stdin: { contents: `import '${CORE}';\nimport '${path.join(dist, ENTRY)}';`, resolveDir: root },
  outfile: path.join(root, 'src/generated/gradients.js'),
  bundle: true,
  format: 'esm',
  target: 'es2022',
  external: [CORE],
  plugins: [redirect],
  minifyWhitespace: true,
  metafile: true,
  logLevel: 'warning',
});

const [output] = Object.values(result.metafile.outputs);
const doubled = Object.entries(output.inputs)
  .filter(
    ([file, { bytesInOutput }]) =>
      bytesInOutput > 0 &&
      !file.startsWith('shared:') &&
      stateful.some((name) => file.endsWith(`/dist/${name}`)),
  )
  .map(([file]) => file);
if (doubled.length > 0)
  throw new Error(`a second copy of tfjs-core's state would be bundled: ${doubled.join(', ')}`);
const foreign = output.imports.filter(({ path: source }) => source !== CORE);
if (foreign.length > 0)
  throw new Error(`unexpected imports: ${foreign.map(({ path: source }) => source).join(', ')}`);
const registered =
  (await readFile(path.join(root, 'src/generated/gradients.js'), 'utf8')).match(/kernelName:/g)?.length ?? 0;
if (registered < 100)
  throw new Error(`only ${registered} gradients were found in tfjs-core; its layout has changed`);
// Without types of its own the bundle would be read as a source of types.
await writeFile(path.join(root, 'src/generated/gradients.d.ts'), 'export {};\n');

// Compiles assembly/ and writes the modules, as base64 in TypeScript, to src/generated/.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const FLAVOURS = {
  // A module that imports a shared memory must say so, hence one of each; the code is the same.
  plain: ['--enable', 'simd,bulk-memory'],
  shared: ['--enable', 'simd,bulk-memory,threads', '--sharedMemory', '--maximumMemory', '65536'],
};

await mkdir(`${root}/src/generated`, { recursive: true });
for (const [name, flags] of Object.entries(FLAVOURS)) {
  const { error, stdout, stderr, binary } = await compile(flags);
  if (error) throw new Error(`${error.message}\n${stdout}\n${stderr}`);
  const module = new WebAssembly.Module(binary);
  const imports = WebAssembly.Module.imports(module).map((entry) => `${entry.module}.${entry.name}`);
  // The heap belongs to whoever hands it over: no data of our own may be written into it, and nothing else be called.
  if (imports.join() !== 'env.memory') throw new Error(`${name}: unexpected imports ${imports.join(', ')}`);
  if (sections(binary).includes(11)) throw new Error(`${name}: the module has data segments`);
  const base64 = Buffer.from(binary).toString('base64');
  await writeFile(`${root}/src/generated/${name}.ts`, `export const ${name} =\n  '${base64}';\n`);
}

async function compile(flags) {
  let binary;
  const options = {
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    writeFile: (_file, contents) => {
      if (contents instanceof Uint8Array) binary = contents;
    },
  };
  const fixed = [
    '--baseDir',
    root,
    '--outFile',
    'kernels.wasm',
    '--runtime',
    'stub',
    '--importMemory',
    '-O3',
    '--noAssert',
  ];
  const { error } = await asc.main(['assembly/index.ts', ...fixed, ...flags], options);
  return { error, binary, stdout: options.stdout.toString(), stderr: options.stderr.toString() };
}

/** The ids of a module's sections. */
function sections(binary) {
  const ids = [];
  let at = 8;
  while (at < binary.length) {
    ids.push(binary[at++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
  }
  return ids;
}

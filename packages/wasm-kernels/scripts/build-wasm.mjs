// Compiles assembly/ once for each flavour and writes the modules, as base64 in TypeScript, to src/generated/.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { tileSource } from './tile.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
// As many sums as the fifteen vector registers that V8 has on x64 leave room for, beside a row of B and a factor.
const FLAVOURS = {
  reproducible: { features: 'simd,bulk-memory', tile: { rows: 5, vectors: 2 } },
  relaxed: { features: 'simd,bulk-memory,relaxed-simd', tile: { rows: 6, vectors: 2 } },
  // V8's revectorizer joins neighbouring vectors: four are two registers of 256 bits.
  wide: { features: 'simd,bulk-memory,relaxed-simd', tile: { rows: 6, vectors: 4 } },
};
/** The section of imports of a module that takes nothing but "env" "memory", not shared. */
const IMPORTS = Buffer.from('\x02\x0f\x01\x03env\x06memory\x02\x00\x00', 'latin1');

await mkdir(`${root}/src/generated`, { recursive: true });
for (const [name, { features, tile }] of Object.entries(FLAVOURS)) {
  const { error, stdout, stderr, binary } = await compile(features, tileSource(tile));
  if (error) throw new Error(`${error.message}\n${stdout}\n${stderr}`);
  const sections = sectionsOf(binary);
  // The heap belongs to whoever hands it over: no data of our own may be written into it, and nothing else be called.
  if (sections.some(({ id }) => id === 11)) throw new Error(`${name}: the module has data segments`);
  const { start, end } = sections.find(({ id }) => id === 2);
  const imports = Buffer.from(binary.subarray(start, end));
  if (!imports.equals(IMPORTS)) throw new Error(`${name}: unexpected imports ${imports.toString('latin1')}`);
  const base64 = (bytes) => Buffer.from(bytes).toString('base64');
  await writeFile(
    `${root}/src/generated/${name}.ts`,
    `/** The module before and after its section of imports. */
export const ${name} = {
  before: '${base64(binary.subarray(0, start))}',
  after: '${base64(binary.subarray(end))}',
};
`,
  );
}

async function compile(features, tile) {
  let binary;
  const options = {
    stdout: asc.createMemoryStream(),
    stderr: asc.createMemoryStream(),
    readFile: (file, base) =>
      file.endsWith('assembly/tile.ts') ? tile : readFile(join(base, file), 'utf8').catch(() => null),
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
    '--enable',
    features,
  ];
  const { error } = await asc.main(['assembly/index.ts', ...fixed], options);
  return { error, binary, stdout: options.stdout.toString(), stderr: options.stderr.toString() };
}

/** A module's sections, with where they start and end. */
function sectionsOf(binary) {
  const sections = [];
  let at = 8;
  while (at < binary.length) {
    const start = at;
    const id = binary[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[at++];
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    at += size;
    sections.push({ id, start, end: at });
  }
  return sections;
}

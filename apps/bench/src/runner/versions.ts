import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** What results can depend on besides our own code. */
export function taskVersions(): Readonly<Record<string, string>> {
  const packages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-backend-wasm'];
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    ...Object.fromEntries(
      packages.map((name) => [name, (require(`${name}/package.json`) as { version: string }).version]),
    ),
  };
}

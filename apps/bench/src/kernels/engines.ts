import { fileURLToPath } from 'node:url';
import { EngineProcess } from './engine-process.ts';
import { npmPeer, type Peer, processorToPin, pythonWithTorch } from './peers.ts';

/** Every engine, with the title of its column. */
export const engineTitles = {
  stock: 'tfjs-wasm',
  cpu: 'tfjs-cpu',
  reproducible: 'reproducible',
  relaxed: 'relaxed',
  wide: 'wide',
  'ort-web': 'ORT-web',
  'ort-node': 'ORT-node',
  torch: 'PyTorch',
} as const;

export type EngineName = keyof typeof engineTitles;

/** Our flavours. */
export const ours = ['reproducible', 'relaxed', 'wide'] as const;

export const engineNames = Object.keys(engineTitles) as EngineName[];

const program = (name: string) => fileURLToPath(new URL(`./child/${name}.js`, import.meta.url));
const python = fileURLToPath(new URL('../../python/engine.py', import.meta.url));

/** Starts engines, and says of those that do not run why. */
export class Engines {
  readonly #node: string;
  readonly #tell: (message: string) => void;
  readonly #running = new Map<string, EngineProcess>();
  readonly #absent = new Map<EngineName, { readonly missing: string }>();
  /** What ran under each name, or why it did not. */
  readonly about: Partial<Record<EngineName, string>> = {};

  constructor(node: string, tell: (message: string) => void) {
    this.#node = node;
    this.#tell = tell;
  }

  /** A process of the engine, the same one until `endAll`; with one thread it is pinned to one processor. */
  async get(name: EngineName, threads: number): Promise<EngineProcess | { readonly missing: string }> {
    const running = this.#running.get(`${name} ${threads}`);
    if (running !== undefined) return running;
    const absent = this.#absent.get(name);
    if (absent !== undefined) return absent;
    const command = await this.#command(name, threads);
    if ('missing' in command) return this.#missing(name, command.missing);
    const pin = threads === 1 ? await processorToPin() : undefined;
    const engine = new EngineProcess(pin === undefined ? command : ['taskset', '-c', pin, ...command]);
    const hello = await engine.hello();
    if (!('about' in hello)) {
      await engine.end();
      return this.#missing(name, 'failed' in hello ? hello.failed : 'it did not say what it is');
    }
    this.about[name] ??= hello.about;
    this.#running.set(`${name} ${threads}`, engine);
    return engine;
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#running.values()].map((engine) => engine.end()));
    this.#running.clear();
  }

  #missing(name: EngineName, reason: string): { readonly missing: string } {
    this.about[name] = `does not run: ${reason}`;
    this.#tell(`${engineTitles[name]} does not run: ${reason}`);
    const absent = { missing: reason };
    this.#absent.set(name, absent);
    return absent;
  }

  async #command(
    name: EngineName,
    threads: number,
  ): Promise<readonly [string, ...string[]] | { readonly missing: string }> {
    const withPeer = (peer: Peer, command: (found: string) => readonly [string, ...string[]]) =>
      'found' in peer ? command(peer.found) : peer;
    if (name === 'torch')
      return withPeer(await pythonWithTorch(), (found) => [found, '-B', python, String(threads)]);
    if (name === 'ort-web' || name === 'ort-node') {
      const peer = name === 'ort-web' ? 'onnxruntime-web' : 'onnxruntime-node';
      return withPeer(await npmPeer(peer, this.#tell), (found) => [
        this.#node,
        program('ort'),
        peer,
        found,
        String(threads),
      ]);
    }
    return [this.#node, program('tfjs'), name, String(threads)];
  }
}

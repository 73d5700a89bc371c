import { fileURLToPath } from 'node:url';
import type { EngineName } from './engine-names.ts';
import { EnginePool, type Missing } from './engine-pool.ts';
import { EngineProcess } from './engine-process.ts';
import { npmPeer, type Peer, processorToPin, pythonWithTorch } from './peers.ts';

const url = (path: string) => new URL(path, import.meta.url).href;

/** What engines run, seen from where the built program lies. */
const programs = {
  tfjs: url('./child/tfjs.js'),
  ort: url('./child/ort.js'),
  python: url('../../python/engine.py'),
};

/** All files that run in an engine's process without being imported by another. */
export const enginePrograms: readonly string[] = [
  ...Object.values(programs),
  url('../../python/tasks.py'),
  url('../../python/models.py'),
];

export interface NodeEngines {
  /** The Node that engines run in. */
  readonly node: string;
  /** The folder of the models' files, for engines that are not ours. */
  readonly models: string;
  /** Hears of what is missing or being installed. */
  readonly tell: (message: string) => void;
}

type CommandLine = readonly [string, ...string[]];

/** Engines in processes of their own; one with one thread is pinned to one processor. */
export function nodeEngines({ node, models, tell }: NodeEngines): EnginePool {
  const command = async (name: EngineName, threads: string): Promise<CommandLine | Missing> => {
    const withPeer = (peer: Peer, line: (found: string) => CommandLine) =>
      'found' in peer ? line(peer.found) : peer;
    if (name === 'torch') {
      const script = fileURLToPath(programs.python);
      return withPeer(await pythonWithTorch(), (found) => [found, '-B', script, threads, models]);
    }
    if (name === 'ort-web' || name === 'ort-node') {
      const peer = name === 'ort-web' ? 'onnxruntime-web' : 'onnxruntime-node';
      const script = fileURLToPath(programs.ort);
      return withPeer(await npmPeer(peer, tell), (found) => [node, script, peer, found, threads, models]);
    }
    return [node, fileURLToPath(programs.tfjs), name, threads];
  };
  return new EnginePool(async (name, threads) => {
    const line = await command(name, String(threads));
    if ('missing' in line) return line;
    const pin = threads === 1 ? await processorToPin() : undefined;
    return new EngineProcess(pin === undefined ? line : ['taskset', '-c', pin, ...line]);
  }, tell);
}

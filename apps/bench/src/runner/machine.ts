import { availableParallelism, cpus, hostname, release, totalmem, type } from 'node:os';
import type { Machine } from '../experiment.ts';
import { sha256Of } from './identity.ts';

export function machine(): Machine {
  return {
    host: hostname(),
    processor: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
  };
}

/** What a measured time belongs to: processor, cores and Node. Not the host's name, which a container changes. */
export function machineFingerprint(): string {
  const { processor, cores } = machine();
  return sha256Of(`${processor}, ${cores} cores, Node ${process.versions.node}`).slice(0, 16);
}

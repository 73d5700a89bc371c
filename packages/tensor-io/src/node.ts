// Reading files

export { writeFileAtomic } from './node/atomic.ts';
export { openSafetensorsFile, readSafetensors, writeSafetensors } from './node/safetensors-file.ts';

// Writing files
export { writeShardedSafetensors } from './node/shard-writer.ts';
export { readStateDict } from './node/state-dict.ts';

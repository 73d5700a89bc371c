// Reading files
export { readStateDict } from './node/state-dict.ts';
export { openSafetensorsFile, readSafetensors, writeSafetensors } from './node/safetensors-file.ts';

// Writing files
export { writeShardedSafetensors } from './node/shard-writer.ts';
export { writeFileAtomic } from './node/atomic.ts';

// Reading files

// Writing files
export { writeFileAtomic } from './node/atomic.ts';
export { openSafetensorsFile, readSafetensors, writeSafetensors } from './node/safetensors-file.ts';
export { readStateDict } from './node/state-dict.ts';

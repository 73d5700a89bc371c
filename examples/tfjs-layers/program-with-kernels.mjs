import '@proj/wasm-kernels/install'; // the one import that is added
import './program.mjs';

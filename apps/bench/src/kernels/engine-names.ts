/** Every engine, with the title of its column. */
export const engineTitles = {
  stock: 'tfjs-wasm',
  cpu: 'tfjs-cpu',
  webgl: 'tfjs-webgl',
  reproducible: 'reproducible',
  relaxed: 'relaxed',
  wide: 'wide',
  'ort-web': 'ORT-web',
  'ort-node': 'ORT-node',
  torch: 'PyTorch',
} as const;

export type EngineName = keyof typeof engineTitles;

export const engineNames = Object.keys(engineTitles) as EngineName[];

/** Our flavours. */
export const ours = ['reproducible', 'relaxed', 'wide'] as const;

/** What runs under Node, or beside it; WebGL needs a page. */
export const nodeEngineNames = engineNames.filter((name) => name !== 'webgl');

import { peakModule } from '../kernels/child/peak-module.ts';

/** What a page can tell of the device it runs on. */
export interface Device {
  readonly userAgent: string;
  readonly cores: number;
  /** Whether the page is isolated from others, which gives it a finer clock. */
  readonly crossOriginIsolated: boolean;
  readonly simd: boolean;
  readonly relaxedSimd: boolean;
  /** What draws for WebGL; null without WebGL 2 in workers. */
  readonly webgl: string | null;
}

export function describeDevice(): Device {
  return {
    userAgent: navigator.userAgent,
    cores: navigator.hardwareConcurrency,
    crossOriginIsolated,
    simd: WebAssembly.validate(peakModule('mul-add', false)),
    relaxedSimd: WebAssembly.validate(peakModule('fma', false)),
    webgl: webglRenderer(),
  };
}

/** Whether WebGL is computed by the processor, which says nothing of it. */
export const inSoftware = (renderer: string): boolean =>
  /swiftshader|llvmpipe|software|basic render/i.test(renderer);

/** The device in words, a name and a value each. */
export function deviceFacts(device: Device): [name: string, value: string][] {
  const { userAgent, cores, crossOriginIsolated, simd, relaxedSimd, webgl } = device;
  const instructions = relaxedSimd ? 'SIMD, relaxed SIMD' : simd ? 'SIMD' : 'no SIMD: our kernels need it';
  return [
    ['Browser', userAgent],
    ['Processor', `${cores} ${cores === 1 ? 'core' : 'cores'}`],
    ['WebAssembly', instructions],
    ['Page', crossOriginIsolated ? 'isolated: fine clock' : 'not isolated: coarse clock'],
    ['WebGL', webgl === null ? 'none' : inSoftware(webgl) ? `${webgl} (in software)` : webgl],
  ];
}

function webglRenderer(): string | null {
  if (typeof OffscreenCanvas === 'undefined') return null;
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (gl === null) return null;
  const names = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(gl.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  gl.getExtension('WEBGL_lose_context')?.loseContext();
  return renderer;
}

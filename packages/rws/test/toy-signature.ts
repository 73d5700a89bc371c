import { parseSafetensors, serializeSafetensors, type TensorData } from '@proj/tensor-io';
import { type ExtractOptions, extract, signatureFromBytes, signatureToBytes } from '../src/index.ts';
import { canonicalJson } from '../src/json.ts';
import { golden, goldenState, goldenUnits } from './golden.ts';

const checkpointsOfPaper = {
  init: goldenState(golden.state.pretrained),
  standard: goldenState(golden.state.standard),
  robust: goldenState(golden.state.robust[0]!),
  units: goldenUnits,
  k: 2,
};
const about = {
  name: 'fog',
  architecture: 'toy',
  corruption: 'fog',
  severity: 5,
  dataset: 'none',
  recommendedAlpha: -0.5,
  measured: [{ model: 'patched', images: 'fog', accuracy: 0.5 }],
  tool: 'test',
};
export const { signature } = await extract({ ...checkpointsOfPaper, about });
export const kinds = await Promise.all(
  (
    [
      { quantizer: { scheme: 'linear', levels: 5 } },
      { quantizer: { scheme: 'linear', levels: 256 } },
      { quantizer: { scheme: 'log', levels: 16 } },
      { quantizer: { scheme: 'tanh', levels: 16 } },
      { quantizer: { scheme: 'sign' } },
      { bits: 4, structure: { kind: 'sparse', density: 0.25 } },
      { bits: 32, structure: { kind: 'sparse', density: 0.1 } },
      { quantizer: { scheme: 'log', levels: 9 }, structure: { kind: 'low-rank', rank: 2 } },
      { bits: 32, structure: { kind: 'low-rank', energy: 0.6 } },
    ] satisfies Partial<ExtractOptions>[]
  ).map(async (storage) => {
    const { signature } = await extract({ ...checkpointsOfPaper, k: 1, ...storage });
    return [JSON.stringify(storage), signature, signatureToBytes(signature)] as const;
  }),
);
export const { signature: plain } = await extract({ ...checkpointsOfPaper, bits: 32 });
export const file = signatureToBytes(signature);
export const codeOf = (bytes: Uint8Array): Promise<string> =>
  signatureFromBytes(bytes).then(
    () => 'accepted',
    (error: { code: string }) => error.code,
  );

export type Header = Record<string, unknown> & { tensors: Record<string, unknown>[] };

/** The file again with its metadata object changed. */
export function withHeader(change: (header: Header) => void, of = file): Uint8Array {
  const { state, metadata } = parseSafetensors(of);
  const header = JSON.parse(metadata.get('rws')!) as Header;
  change(header);
  return serializeSafetensors(state, new Map([...metadata, ['rws', canonicalJson(header)]]));
}

export function withState(change: (state: Map<string, TensorData>) => void, of = file): Uint8Array {
  const { state, metadata } = parseSafetensors(of);
  const copy = new Map(state);
  change(copy);
  return serializeSafetensors(copy, metadata);
}

export function withText(change: (text: string) => string): Uint8Array {
  const { state, metadata } = parseSafetensors(file);
  return serializeSafetensors(state, new Map([...metadata, ['rws', change(metadata.get('rws')!)]]));
}

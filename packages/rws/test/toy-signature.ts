import { parseSafetensors, serializeSafetensors, type TensorData } from '@proj/tensor-io';
import { extract, signatureFromBytes, signatureToBytes } from '../src/index.ts';
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
  return serializeSafetensors(state, new Map([['rws', canonicalJson(header)]]));
}

export function withState(change: (state: Map<string, TensorData>) => void, of = file): Uint8Array {
  const { state, metadata } = parseSafetensors(of);
  const copy = new Map(state);
  change(copy);
  return serializeSafetensors(copy, metadata);
}

export function withText(change: (text: string) => string): Uint8Array {
  const { state, metadata } = parseSafetensors(file);
  return serializeSafetensors(state, new Map([['rws', change(metadata.get('rws')!)]]));
}

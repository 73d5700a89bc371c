import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseSafetensors, serializeSafetensors } from '@proj/tensor-io';
import { writeShardedSafetensors } from '@proj/tensor-io/node';
import { afterAll, describe, expect, it } from 'vitest';
import { golden, goldenState, goldenUnits } from '../test/golden.ts';
import { extract, patch, type Signature, scale, unpatch } from './index.ts';
import { canonicalJson } from './json.ts';
import { readModelFile, writeModelFile } from './node.ts';

const folder = mkdtempSync(join(tmpdir(), 'rws-node-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

const init = goldenState(golden.state.pretrained);
const standard = goldenState(golden.state.standard);
const [a, b] = await Promise.all(
  [0, 1].map(async (i): Promise<Signature> => {
    const robust = goldenState(golden.state.robust[i]!);
    return (await extract({ init, standard, robust, units: goldenUnits, k: 2, bits: 4 })).signature;
  }),
);

/** A file that another writer made: tensors in an order of their own, blanks in the header, odd padding. */
function foreignFile(): Uint8Array {
  const tensors = [...standard].reverse();
  let end = 0;
  const entries = tensors.map(([name, { dtype, shape, bytes }]) => {
    const begin = end;
    end += bytes.length;
    return [name, { data_offsets: [begin, end], shape, dtype }];
  });
  const text = JSON.stringify({ ...Object.fromEntries(entries), __metadata__: { b: '1', a: 'é' } }, null, 1);
  const json = new TextEncoder().encode(`${text}   `);
  const file = new Uint8Array(8 + json.length + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  let offset = 8 + json.length;
  for (const [, { bytes }] of tensors) {
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}

describe('a model file', () => {
  it.each([
    ['of our own writer', serializeSafetensors(standard, new Map([['format', 'pt']]))],
    ['of another writer', foreignFile()],
    ['without metadata', serializeSafetensors(standard)],
  ])('%s is restored byte for byte after patches through files', async (_, original) => {
    writeFileSync(at('base'), original);
    let file = await readModelFile(at('base'));
    await writeModelFile(at('one'), await patch(file.model, [{ signature: a!, alpha: 1 }]), file);
    file = await readModelFile(at('one'));
    await writeModelFile(at('two'), await patch(file.model, [{ signature: b!, alpha: -2 }]), file);
    file = await readModelFile(at('two'));
    await writeModelFile(at('scaled'), scale(file.model, b!.id, 0.25), file);
    file = await readModelFile(at('scaled'));
    await writeModelFile(at('b only'), unpatch(file.model, a!.id), file);
    file = await readModelFile(at('b only'));
    expect(file.model.applied).toMatchObject([{ alpha: 0.25 }]);
    await writeModelFile(at('none'), unpatch(file.model, 'all'), file);
    expect(new Uint8Array(readFileSync(at('none')))).toEqual(original);
  });

  it('in shards becomes one file, whose tensors and metadata come back', async () => {
    const metadata = new Map([['format', 'pt']]);
    const index = await writeShardedSafetensors(folder, standard, { maxShardBytes: 1000, metadata });
    const file = await readModelFile(index);
    expect(file.header).toBeNull();
    await writeModelFile(at('patched'), await patch(file.model, [{ signature: a!, alpha: 1 }]), file);
    const patched = await readModelFile(at('patched'));
    await writeModelFile(at('none'), unpatch(patched.model, 'all'), patched);
    const expected = serializeSafetensors(standard, file.metadata);
    expect(new Uint8Array(readFileSync(at('none')))).toEqual(expected);
  });

  it('whose kept header is not that of its tensors is refused', async () => {
    writeFileSync(at('base'), serializeSafetensors(standard));
    const file = await readModelFile(at('base'));
    await writeModelFile(at('patched'), await patch(file.model, [{ signature: a!, alpha: 1 }]), file);
    const { state, metadata } = parseSafetensors(readFileSync(at('patched')));
    const entry = JSON.parse(metadata.get('rws-patched')!) as Record<string, unknown>;
    const fewer = new Map([...standard].slice(1));
    const otherNotes = serializeSafetensors(standard, new Map([['note', 'x']]));
    for (const other of [serializeSafetensors(fewer), otherNotes, new Uint8Array(3), new Uint8Array(8)]) {
      const length = other.length > 8 ? 8 + Number(new DataView(other.buffer).getBigUint64(0, true)) : 8;
      entry['header'] = Buffer.from(other.subarray(0, length)).toString('base64');
      const text = canonicalJson(entry);
      writeFileSync(at('bad'), serializeSafetensors(state, new Map([...metadata, ['rws-patched', text]])));
      await expect(readModelFile(at('bad'))).rejects.toMatchObject({ code: 'RWS_METADATA_INVALID' });
    }
  });

  it('that is not there is reported as by the reader of tensor-io', async () => {
    await expect(readModelFile(at('nowhere'))).rejects.toMatchObject({ code: 'TIO_NOT_FOUND' });
    await expect(readModelFile(folder)).rejects.toMatchObject({ code: 'TIO_NOT_A_FILE' });
  });
});

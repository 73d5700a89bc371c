// Runs in a process with little memory: prints the code that each file is refused with, or `read`.
import { openShardedSafetensors, parsePth, parseSafetensors } from '@proj/tensor-io';
import { zipSync } from 'fflate';

const latin1 = (text) => new Uint8Array(Buffer.from(text, 'latin1'));
const pth = (pickle) =>
  zipSync({ 'x/data.pkl': latin1(pickle), 'x/data/0': new Uint8Array(16) }, { level: 1 });
const safetensors = (header) => {
  const file = new Uint8Array(8 + header.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(latin1(header), 8);
  return file;
};
const str = (text) => `X${String.fromCharCode(text.length & 255, text.length >>> 8)}\0\0${text}`;
const pair = (i) => `${str(`k${i}`)}K\x01\x86`;
const storage = `(${str('storage')}ctorch\nFloatStorage\n${str('0')}${str('cpu')}K\x04tQ`;
const rebuild = 'ctorch._utils\n_rebuild_tensor_v2\n';
const empty = 'ccollections\nOrderedDict\n';
const numbers = (count, item, end) => `${item},`.repeat(count) + item + end;

const files = {
  '8 million dicts in a small file': () => parsePth(pth(`\x80\x02${'}'.repeat(8e6)}.`)),
  '5,000 dicts of one list of 3,000 pairs': () => {
    const list = `](${Array.from({ length: 3000 }, (_, i) => pair(i)).join('')}e\x85q\0`;
    return parsePth(pth(`\x80\x02]${list}0${empty}q\x01(${'h\x01h\0R'.repeat(5000)}l.`));
  },
  '5,000 tensors of one shape of 20,000 axes': () => {
    const shape = `(${'K\x01'.repeat(20_000)}tq\0`;
    const tensor = `h\x02(h\x01K\0h\0h\0\x89NtR`;
    return parsePth(pth(`\x80\x02${rebuild}q\x020${storage}q\x010${shape}0(${tensor.repeat(5000)}l.`));
  },
  '100,000 sizes of one list of 100,000 numbers': () => {
    const list = `](${'K\x01'.repeat(100_000)}e\x85q\0`;
    return parsePth(pth(`\x80\x02${list}0ctorch\nSize\nq\x01(${'h\x01h\0R'.repeat(100_000)}l.`));
  },
  '8 million memo entries in a small file': () => parsePth(pth(`\x80\x04N${'\x94'.repeat(8e6)}.`)),
  '10,000 tensors below one long name': () => {
    const tensor = `(h\x01K\0(K\x01t(K\x01t\x89NtR`;
    const entries = Array.from({ length: 10_000 }, (_, i) => `${str(`k${i}`)}h\x03`).join('');
    const model = `${str('n'.repeat(60_000))}}(${entries}u`;
    return parsePth(pth(`\x80\x02${storage}q\x010${rebuild}${tensor}q\x030}${str('w')}h\x03s${model}s.`));
  },
  'a pickle of 65 MB of which nothing is used': () => parsePth(pth(`\x80\x02${'N0'.repeat(33_600_000)}.`)),
  'a header of 4 million empty objects': () =>
    parseSafetensors(safetensors(`{"a":[${numbers(4e6, '{}', ']}')}`)),
  'a shape of 6 million axes': () =>
    parseSafetensors(safetensors(`{"a":{"shape":[${numbers(6e6, '0', ']}}')}`)),
  'metadata of 6 million escapes': () =>
    parseSafetensors(safetensors(`{"__metadata__":{"a":"${'\\n'.repeat(6e6)}"}}`)),
  'an index of 4 million empty objects': () =>
    openShardedSafetensors(latin1(`{"a":[${numbers(4e6, '{}', ']}')}`), () => undefined),
};

for (const [name, read] of Object.entries(files)) {
  const code = await Promise.resolve()
    .then(read)
    .then(
      () => 'read',
      (error) => error.code ?? error.message,
    );
  console.log(`${code}: ${name}`);
}

import { type DType, tensorData } from '@proj/tensor-io';
import { describe, expect, it } from 'vitest';
import { decode, integers, messages, texts } from '../test/decode.ts';
import { runOnnx } from '../test/onnxruntime.ts';
import { OnnxGraph } from './index.ts';
import { attributeProto, graphProto, modelProto, nodeProto, tensorProto } from './schema.ts';

const code = (expected: string) => expect.objectContaining({ name: 'OnnxError', code: expected });

describe('a graph', () => {
  it('runs in ONNX Runtime, with integers, lists and floats as attributes', async () => {
    const graph = new OnnxGraph('toy');
    const x = graph.input('x', ['rows', 3]);
    const weight = graph.initializer('weight', tensorData('F32', [2, 3], [1, 2, 3, 4, 5, 6]));
    const bias = graph.initializer('bias', tensorData('F32', [2], [10, 20]));
    const product = graph.node('Gemm', 'product', [x, weight, bias], { alpha: { float: 0.5 }, transB: 1 });
    graph.output(graph.node('Transpose', 'y', [product], { perm: [1, 0] }), [2, 'rows']);
    const [y] = await runOnnx(graph.toBytes(), [
      { shape: [2, 3], values: Float32Array.of(1, 0, 0, 1, 1, 1) },
    ]);
    expect(y!.shape).toEqual([2, 2]);
    expect([...y!.values]).toEqual([10.5, 13, 22, 27.5]);
  });

  it.each<[DType, number]>([
    ['F64', 3],
    ['F16', 3],
    ['I64', 3],
    ['I32', 3],
    ['I16', 3],
    ['I8', 3],
    ['U8', 3],
    ['BOOL', 1],
  ])('stores %s as ONNX Runtime reads it', async (dtype, value) => {
    const graph = new OnnxGraph('cast');
    const x = graph.input('x', [2]);
    const stored = graph.initializer('stored', tensorData(dtype, [2], [value, 0]));
    const cast = graph.node('Cast', 'cast', [stored], { to: 1 });
    graph.output(graph.node('Add', 'y', [x, cast]), [2]);
    const [y] = await runOnnx(graph.toBytes(), [{ shape: [2], values: Float32Array.of(1, 2) }]);
    expect([...y!.values]).toEqual([1 + value, 2]);
  });

  it('stores a constant once, however often it is asked for', () => {
    const graph = new OnnxGraph('constants');
    expect(graph.constant('I64', [-1, 192])).toBe('I64 [-1,192]');
    expect(graph.constant('I64', [-1, 192])).toBe('I64 [-1,192]');
    expect([graph.constant('I64', 1), graph.constant('F32', 1), graph.constant('I64', [1])]).toEqual([
      'I64 1',
      'F32 1',
      'I64 [1]',
    ]);
    const [file] = messages(decode(graph.toBytes()), modelProto.graph);
    const stored = messages(file!, graphProto.initializer);
    expect(
      stored.map((tensor) => [texts(tensor, tensorProto.name), integers(tensor, tensorProto.dims)]),
    ).toEqual([
      [['I64 [-1,192]'], [2]],
      [['I64 1'], []],
      [['F32 1'], []],
      [['I64 [1]'], [1]],
    ]);
    expect(stored[0]!.get(tensorProto.rawData)![0]).toEqual(
      new Uint8Array(BigInt64Array.of(-1n, 192n).buffer),
    );
  });

  it('keeps its nodes in order, with names and attributes', () => {
    const graph = new OnnxGraph('order');
    const x = graph.input('x', [1]);
    const a = graph.node('Softmax', 'a', [x], { axis: -1 });
    graph.output(graph.node('Add', 'b', [x, a]), [1]);
    const [file] = messages(decode(graph.toBytes(new Map([['key', 'value']]))), modelProto.graph);
    const nodes = messages(file!, graphProto.node);
    expect(
      nodes.map((node) => [nodeProto.opType, nodeProto.input, nodeProto.output].map((f) => texts(node, f))),
    ).toEqual([
      [['Softmax'], ['x'], ['a']],
      [['Add'], ['x', 'a'], ['b']],
    ]);
    const [axis] = messages(nodes[0]!, nodeProto.attribute);
    expect([texts(axis!, attributeProto.name), integers(axis!, attributeProto.i)]).toEqual([['axis'], [-1]]);
  });

  it('refuses a name twice, and one that nothing has made', () => {
    const graph = new OnnxGraph('names');
    const x = graph.input('x', [1]);
    const tensor = tensorData('F32', [1], [0]);
    expect(() => graph.input('x', [1])).toThrow(code('ONNX_NAMES'));
    expect(() => graph.initializer('x', tensor)).toThrow(code('ONNX_NAMES'));
    expect(() => graph.node('Erf', 'x', [x])).toThrow('names has a value named "x" already');
    expect(() => graph.node('Erf', 'y', ['z'])).toThrow('names has no value named "z" yet');
    expect(() => graph.output('z', [1])).toThrow(code('ONNX_NAMES'));
  });

  it('refuses 2 GiB, which no protobuf message can hold, before it allocates them', () => {
    const graph = new OnnxGraph('large');
    // One buffer that nothing writes to, eight times over.
    const bytes = new Uint8Array(2 ** 28);
    for (let i = 0; i < 8; i++) graph.initializer(`w${i}`, { dtype: 'U8', shape: [2 ** 28], bytes });
    expect(() => graph.toBytes()).toThrow(code('ONNX_TOO_LARGE'));
    expect(() => graph.toBytes()).toThrow(/large would take 21474\d{5} bytes/);
  });
});

import { type TensorData, tensorData } from '@proj/tensor-io';
import { OnnxError } from './error.ts';
import { Message } from './message.ts';
import * as schema from './schema.ts';

/** A size, or a name for one that is settled when the model runs, such as `batch`. */
export type Dimension = number | string;

/** An attribute of an operator: an integer, integers, or a float. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** Protobuf's own limit: sizes within a message are signed 32-bit integers. */
const largestModel = 2 ** 31 - 1;

/**
 * An ONNX model in the making.
 *
 * A value is its name: every method that makes one returns it, and a node can only read what is there already, so that
 * nodes stand in the order in which they can run.
 */
export class OnnxGraph {
  readonly #name: string;
  readonly #names = new Set<string>();
  readonly #nodes: Message[] = [];
  readonly #initializers: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #outputs: Message[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /**
   * A float32 tensor that is handed in when the model runs.
   *
   * @throws {OnnxError} `ONNX_NAMES` when the name is taken.
   */
  input(name: string, shape: readonly Dimension[]): string {
    this.#inputs.push(valueInfo(this.#take(name), shape));
    return name;
  }

  /**
   * A tensor that is stored in the model. Its bytes are kept by reference until `toBytes`.
   *
   * @throws {OnnxError} `ONNX_NAMES` when the name is taken.
   */
  initializer(name: string, { dtype, shape, bytes }: TensorData): string {
    const fields = schema.tensorProto;
    const tensor = new Message();
    for (const size of shape) tensor.integer(fields.dims, size);
    tensor
      .integer(fields.dataType, schema.dataType[dtype])
      .text(fields.name, this.#take(name))
      .bytes(fields.rawData, bytes);
    this.#initializers.push(tensor);
    return name;
  }

  /** A number, or a list of them, stored once however often it is asked for; named by what it holds: `I64 [-1,192]`. */
  constant(dtype: 'F32' | 'I64', value: number | readonly number[]): string {
    const name = `${dtype} ${JSON.stringify(value)}`;
    if (this.#names.has(name)) return name;
    return this.initializer(
      name,
      typeof value === 'number' ? tensorData(dtype, [], [value]) : tensorData(dtype, [value.length], value),
    );
  }

  /**
   * The result of an operator of ONNX's own domain (docs/Operators.md), named `name`.
   *
   * @throws {OnnxError} `ONNX_NAMES` when the name is taken, or an input is not there.
   */
  node(
    operator: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
  ): string {
    const fields = schema.nodeProto;
    const node = new Message();
    for (const input of inputs) node.text(fields.input, this.#known(input));
    node.text(fields.output, this.#take(name)).text(fields.name, name).text(fields.opType, operator);
    for (const [key, value] of Object.entries(attributes)) {
      node.message(fields.attribute, attribute(key, value));
    }
    this.#nodes.push(node);
    return name;
  }

  /**
   * Makes a float32 value a result of the model.
   *
   * @throws {OnnxError} `ONNX_NAMES` when there is no such value.
   */
  output(name: string, shape: readonly Dimension[]): void {
    this.#outputs.push(valueInfo(this.#known(name), shape));
  }

  /**
   * The model as a file, with `metadata` as its `metadata_props`.
   *
   * @throws {OnnxError} `ONNX_TOO_LARGE` from 2 GiB on.
   */
  toBytes(metadata: ReadonlyMap<string, string> = new Map()): Uint8Array<ArrayBuffer> {
    const { graphProto, modelProto, operatorSetIdProto } = schema;
    const graph = new Message();
    for (const node of this.#nodes) graph.message(graphProto.node, node);
    graph.text(graphProto.name, this.#name);
    for (const tensor of this.#initializers) graph.message(graphProto.initializer, tensor);
    for (const value of this.#inputs) graph.message(graphProto.input, value);
    for (const value of this.#outputs) graph.message(graphProto.output, value);
    // An empty domain is ONNX's own.
    const operators = new Message()
      .text(operatorSetIdProto.domain, '')
      .integer(operatorSetIdProto.version, schema.operatorSet);
    const model = new Message()
      .integer(modelProto.irVersion, schema.irVersion)
      .text(modelProto.producerName, '@proj/onnx')
      .message(modelProto.graph, graph)
      .message(modelProto.opsetImport, operators);
    for (const [key, value] of metadata) model.message(modelProto.metadataProps, entry(key, value));
    if (model.byteLength > largestModel) {
      throw new OnnxError(
        'ONNX_TOO_LARGE',
        `${this.#name} would take ${model.byteLength} bytes; an ONNX file is one protobuf message, which holds at most ` +
          `${largestModel}. Export a smaller model.`,
      );
    }
    return model.toBytes();
  }

  #take(name: string): string {
    if (this.#names.has(name)) {
      throw new OnnxError(
        'ONNX_NAMES',
        `${this.#name} has a value named "${name}" already; choose another name.`,
      );
    }
    this.#names.add(name);
    return name;
  }

  #known(name: string): string {
    if (this.#names.has(name)) return name;
    throw new OnnxError('ONNX_NAMES', `${this.#name} has no value named "${name}" yet; make it first.`);
  }
}

function attribute(name: string, value: Attribute): Message {
  const { attributeProto: fields, attributeType: types } = schema;
  const message = new Message().text(fields.name, name);
  if (typeof value === 'number') return message.integer(fields.i, value).integer(fields.type, types.int);
  if ('float' in value) return message.float(fields.f, value.float).integer(fields.type, types.float);
  for (const item of value) message.integer(fields.ints, item);
  return message.integer(fields.type, types.ints);
}

function valueInfo(name: string, dimensions: readonly Dimension[]): Message {
  const { dimension, tensorShapeProto, tensorTypeProto, typeProto, valueInfoProto } = schema;
  const shape = new Message();
  for (const size of dimensions) {
    const dim = new Message();
    if (typeof size === 'number') dim.integer(dimension.dimValue, size);
    else dim.text(dimension.dimParam, size);
    shape.message(tensorShapeProto.dim, dim);
  }
  const tensor = new Message()
    .integer(tensorTypeProto.elemType, schema.dataType.F32)
    .message(tensorTypeProto.shape, shape);
  const type = new Message().message(typeProto.tensorType, tensor);
  return new Message().text(valueInfoProto.name, name).message(valueInfoProto.type, type);
}

function entry(key: string, value: string): Message {
  const { stringStringEntryProto: fields } = schema;
  return new Message().text(fields.key, key).text(fields.value, value);
}

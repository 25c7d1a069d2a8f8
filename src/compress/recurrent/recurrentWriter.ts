import type { NodeProto, TensorProto } from 'onnx-buf';
import type { NameSource } from '../../onnx/graph/names.js';
import { type AttributeValue, makeNode } from '../../onnx/graph/node.js';
import { makeTensor } from '../../onnx/tensor/tensor.js';

/** First operator set whose `Split`, `Squeeze` and `Unsqueeze` take sizes and axes as inputs. */
const AXES_AS_INPUTS = 13;

/** Writes nodes one after another, naming what they make. */
export class NodeWriter {
  readonly nodes: NodeProto[] = [];
  readonly #constants: Map<string, string>;

  /**
   * @param names - of the model
   * @param prefix - what new names begin with
   * @param opset - of the model
   * @param stored - where small constants go
   * @param outer - the writer of the graph around this one, whose constants serve here too
   */
  constructor(
    readonly names: NameSource,
    readonly prefix: string,
    readonly opset: number,
    readonly stored: TensorProto[],
    outer?: NodeWriter,
  ) {
    this.#constants = outer === undefined ? new Map() : outer.#constants;
  }

  /** Adds a node with one output and returns the output's name. */
  add(opType: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): string {
    return this.addTo(this.name(opType), opType, inputs, attributes);
  }

  /** Adds a node whose output has a name already. */
  addTo(
    output: string,
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
    domain = '',
  ): string {
    const parts = { name: this.names.node(`${output}_node`), attributes };
    this.nodes.push(makeNode(opType, inputs, [output], domain === '' ? parts : { ...parts, domain }));
    return output;
  }

  /** A new name for a value. */
  name(what: string): string {
    return this.names.value(`${this.prefix}/${what}`);
  }

  /** Cuts a value along an axis. */
  split(x: string, axis: number, sizes: readonly number[]): string[] {
    if (sizes.length === 1) return [x];
    const outputs = sizes.map(() => this.name('Split'));
    const name = this.names.node(`${outputs[0]}_node`);
    const node =
      this.opset >= AXES_AS_INPUTS
        ? makeNode('Split', [x, this.integers(sizes)], outputs, { name, attributes: { axis } })
        : makeNode('Split', [x], outputs, { name, attributes: { axis, split: sizes } });
    this.nodes.push(node);
    return outputs;
  }

  /** Adds axes of one. */
  unsqueeze(x: string, axes: readonly number[]): string {
    return this.#withAxes('Unsqueeze', x, axes);
  }

  /** Takes axes of one away. */
  squeeze(x: string, axes: readonly number[]): string {
    return this.#withAxes('Squeeze', x, axes);
  }

  #withAxes(opType: string, x: string, axes: readonly number[]): string {
    if (this.opset >= AXES_AS_INPUTS) return this.add(opType, [x, this.integers(axes)]);
    return this.add(opType, [x], { axes });
  }

  /** A float32 number. */
  float(value: number): string {
    return this.#constant(`float ${value}`, (name) => makeTensor(name, 'float32', [], Float32Array.of(value)));
  }

  /** An int64 number. */
  integer(value: number): string {
    return this.#constant(`int ${value}`, (name) => makeTensor(name, 'int64', [], BigInt64Array.of(BigInt(value))));
  }

  /** A list of int64. */
  integers(values: readonly number[]): string {
    return this.#constant(`ints ${values.join()}`, (name) =>
      makeTensor(name, 'int64', [values.length], BigInt64Array.from(values, BigInt)),
    );
  }

  #constant(key: string, make: (name: string) => TensorProto): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.name(key.replaceAll(' ', '_'));
    this.stored.push(make(name));
    this.#constants.set(key, name);
    return name;
  }
}

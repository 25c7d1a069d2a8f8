import type { NodeProto } from 'onnx-buf';
import { valuesRead } from '../../onnx/graph/graph.js';
import type { NameSource } from '../../onnx/graph/names.js';
import { makeNode } from '../../onnx/graph/node.js';
import { DTYPE_CODE, type Dtype } from '../../onnx/tensor/dtype.js';
import type { Scope } from './scope.js';

/** Where new names come from. */
interface Naming {
  readonly names: NameSource;
}

/** Adds nodes to a graph; values that exist only quantized and that they read are brought back to float first. */
export function addNodes(naming: Naming, scope: Scope, ...nodes: readonly NodeProto[]): void {
  for (const node of nodes) {
    for (const name of valuesRead(node)) dequantizePending(naming, scope.ownerOf(name) ?? scope, name);
    scope.nodes.push(node);
  }
}

/** Brings a value that exists only quantized back to float. */
export function dequantizePending({ names }: Naming, owner: Scope, name: string): void {
  const pending = owner.pending.get(name);
  if (pending === undefined) return;
  owner.pending.delete(name);
  const { quantized, scale, zeroPoint } = pending.names;
  const wide = pending.dtype === 'float32';
  const output = wide ? name : names.value(`${name}_float32`);
  const nodeName = names.node(`${name}_DequantizeLinear`);
  owner.nodes.push(makeNode('DequantizeLinear', [quantized, scale, zeroPoint], [output], { name: nodeName }));
  if (!wide) owner.nodes.push(castFrom(output, name, pending.dtype));
}

/** The node that brings a float32 result back to the model's type. */
export function castFrom(float32: string, output: string, dtype: Dtype): NodeProto {
  return makeNode('Cast', [float32], [output], { attributes: { to: DTYPE_CODE[dtype] } });
}

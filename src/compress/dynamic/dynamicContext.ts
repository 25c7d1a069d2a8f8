import type { NodeProto } from 'onnx-buf';
import { valuesRead } from '../../onnx/graph/graph.js';
import type { NameSource } from '../../onnx/graph/names.js';
import { makeNode } from '../../onnx/graph/node.js';
import { DTYPE_CODE, type Dtype } from '../../onnx/tensor/dtype.js';
import type { FloatScratch } from '../../onnx/tensor/tensor.js';
import type { CompressedWeight } from '../rewrite/report.js';
import type { QuantizedNames, Scope } from '../rewrite/scope.js';
import type { DynamicSettings } from './dynamicOptions.js';

/** Thrown inside a rewriting to leave the node as it is; the message is the reason that the report gives. */
export class LeftInFloat extends Error {
  override readonly name: string = 'LeftInFloat';

  /**
   * @param listed - whether the report should list the node; false where there was nothing to quantize
   */
  constructor(
    message: string,
    readonly listed: boolean = true,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A weight that was quantized, and the name of what it became. */
export interface QuantizedWeight {
  readonly quantized: string;
  readonly report: CompressedWeight;
}

/** What the rewritings of one model share. */
export interface DynamicContext {
  readonly settings: DynamicSettings;
  readonly names: NameSource;
  readonly compressed: QuantizedWeight[];
  /** Names of the scales made. */
  readonly scales: Set<string>;
  /** Memory for the weight at hand. */
  readonly scratch: FloatScratch;
  /** Memory for its integers before they are reordered. */
  bytes: Uint8Array;
  /** Sum of the integers kept in memory. */
  heldBytes: number;
  /** Set when a node of ONNX Runtime's own domain was made. */
  usesMicrosoftDomain: boolean;
}

/** Domain of the operators that ONNX Runtime adds to ONNX's. */
export const MICROSOFT_DOMAIN = 'com.microsoft';

/** Quantizes an activation to uint8 at run time, once for all that read it, in the graph that makes it. */
export function quantizeActivation(context: DynamicContext, scope: Scope, name: string): QuantizedNames {
  const owner = scope.ownerOf(name) ?? scope;
  const known = owner.activations.get(name);
  if (known !== undefined) return known;
  const names = {
    quantized: context.names.value(`${name}_quantized`),
    scale: context.names.value(`${name}_scale`),
    zeroPoint: context.names.value(`${name}_zero_point`),
  };
  const outputs = [names.quantized, names.scale, names.zeroPoint];
  const nodeName = context.names.node(`${name}_QuantizeLinear`);
  addNodes(context, owner, makeNode('DynamicQuantizeLinear', [name], outputs, { name: nodeName }));
  owner.activations.set(name, names);
  return names;
}

/** Casts a value of a half- or double-precision model to float32, once for all that need it. */
export function castToFloat32(context: DynamicContext, scope: Scope, name: string): string {
  const owner = scope.ownerOf(name) ?? scope;
  const known = owner.casts.get(name);
  if (known !== undefined) return known;
  const output = context.names.value(`${name}_float32`);
  addNodes(context, owner, makeNode('Cast', [name], [output], { attributes: { to: DTYPE_CODE.float32 } }));
  owner.casts.set(name, output);
  owner.made.add(output);
  return output;
}

/** Adds nodes to a graph; values that exist only quantized and that they read are brought back to float first. */
export function addNodes(context: DynamicContext, scope: Scope, ...nodes: readonly NodeProto[]): void {
  for (const node of nodes) {
    for (const name of valuesRead(node)) dequantizePending(context, scope.ownerOf(name) ?? scope, name);
    scope.nodes.push(node);
  }
}

/** Brings a value that exists only quantized back to float. */
export function dequantizePending(context: DynamicContext, owner: Scope, name: string): void {
  const pending = owner.pending.get(name);
  if (pending === undefined) return;
  owner.pending.delete(name);
  const { quantized, scale, zeroPoint } = pending.names;
  const wide = pending.dtype === 'float32';
  const output = wide ? name : context.names.value(`${name}_float32`);
  const nodeName = context.names.node(`${name}_DequantizeLinear`);
  owner.nodes.push(makeNode('DequantizeLinear', [quantized, scale, zeroPoint], [output], { name: nodeName }));
  if (!wide) owner.nodes.push(castFrom(output, name, pending.dtype));
}

/** The node that brings a float32 result back to the model's type. */
export function castFrom(float32: string, output: string, dtype: Dtype): NodeProto {
  return makeNode('Cast', [float32], [output], { attributes: { to: DTYPE_CODE[dtype] } });
}

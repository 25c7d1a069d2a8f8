import { makeNode } from '../../onnx/graph/node.js';
import { DTYPE_CODE } from '../../onnx/tensor/dtype.js';
import type { FloatScratch } from '../../onnx/tensor/tensor.js';
import { addNodes } from '../rewrite/addNodes.js';
import type { Rewriting } from '../rewrite/rewrite.js';
import type { QuantizedNames, Scope } from '../rewrite/scope.js';
import type { DynamicSettings } from './dynamicOptions.js';

/** What the rewritings of one model share. */
export interface DynamicContext extends Rewriting {
  readonly settings: DynamicSettings;
  /** Memory for the weight at hand. */
  readonly scratch: FloatScratch;
  /** Memory for its integers before they are reordered. */
  bytes: Uint8Array;
  /** Sum of the integers kept in memory. */
  heldBytes: number;
}

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

import type { NodeProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { tensorDtype } from '../../onnx/tensor/tensor.js';
import { addNodes } from '../rewrite/addNodes.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { Scope } from '../rewrite/scope.js';
import type { DynamicContext } from './dynamicContext.js';
import { isQuantizable, quantizeWhole } from './dynamicWeights.js';

/**
 * Rewrites a `Gather` from a constant table (an embedding): the table is stored as uint8, whatever type the weights
 * have, as ONNX Runtime's tool does; what was picked is brought back to float where it is needed.
 */
export function rewriteGather(node: NodeProto, scope: Scope, context: DynamicContext): void {
  const [table = '', ...rest] = node.input;
  const output = node.output[0] ?? '';
  const weight = scope.constantOf(table);
  // Most Gathers pick a number out of a shape.
  if (weight === undefined || !isQuantizable(weight))
    throw new LeftInFloat('no-weight', 'it reads no table of weights');
  const reason = scope.shared?.reasonToLeave(table);
  if (reason !== undefined) throw new LeftInFloat('shared', reason);
  const { weightType, reduceRange } = context.settings;
  // A table that is a matrix of a product, too, is stored as that needs it.
  const names =
    scope.shared?.storedOnce(table)?.name === table
      ? quantizeWhole(context, weight, node, weightType, reduceRange)
      : quantizeWhole(context, weight, node, 'uint8', false);
  const picked = context.names.value(`${output}_quantized`);
  addNodes(context, scope, copyMessage(node, { input: [names.quantized, ...rest], output: [picked] }));
  const value = { quantized: picked, scale: names.scale, zeroPoint: names.zeroPoint };
  const dtype = tensorDtype(weight.tensor);
  scope.pending.set(output, { names: value, dtype });
  // A product that follows takes the integers as they are.
  if (dtype === 'float32') scope.activations.set(output, value);
}

import type { NodeProto } from 'onnx-buf';
import { makeNode } from '../../onnx/graph/node.js';
import { MICROSOFT_DOMAIN } from '../../onnx/model.js';
import { makeTensor, shapeOf } from '../../onnx/tensor/tensor.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { constantFloats, type Rewriting } from '../rewrite/rewrite.js';
import type { Scope } from '../rewrite/scope.js';
import { blockTensors } from './weightOnlyBlocks.js';
import type { WeightOnlySettings } from './weightOnlyOptions.js';

/**
 * Picks rows from a table that the last product reads, too, where it is stored in blocks: `GatherBlockQuantized`, so that both
 * read one.
 */
export function gatherBlocks(node: NodeProto, settings: WeightOnlySettings, scope: Scope, rewriting: Rewriting): void {
  const weight = constantFloats(scope, node.input[0]);
  const [rows = 1, width = 1, ...more] = shapeOf(weight.tensor);
  const axis = Number(node.attribute.find(({ name }) => name === 'axis')?.i ?? 0n);
  const { bits, blockSize } = settings;
  const blocks = width / blockSize;
  if (more.length > 0 || axis !== 0 || !Number.isInteger(blocks)) {
    throw new LeftInFloat(
      'form',
      `there is no block-wise form of a Gather but of whole rows of blocks of ${blockSize}`,
    );
  }
  // As the product stores it: a row of the table is a column of the matrix.
  const [packed = '', scales = '', zeros] = blockTensors(node, weight, width, rows, true, settings, rewriting);
  if (zeros !== undefined) throw new LeftInFloat('form', 'a table with zero points has no form that a Gather reads');
  const { names } = rewriting;
  const [output = ''] = node.output;
  const integers = (what: string, values: readonly number[]): string => {
    const name = names.value(`${output}_${what}`);
    scope.added.push(makeTensor(name, 'int64', [values.length], BigInt64Array.from(values, BigInt)));
    return name;
  };
  const value = (what: string): string => names.value(`${output}_${what}`);
  const [byBlock, picked, asked, shape] = [value('scales'), value('blocks'), value('asked'), value('shape')];
  const attributes = { bits, block_size: blockSize, gather_axis: 0, quantize_axis: 2 };
  scope.nodes.push(
    makeNode('Reshape', [scales, integers('scales_shape', [rows, blocks, 1])], [byBlock]),
    makeNode('GatherBlockQuantized', [packed, node.input[1] ?? '', byBlock], [picked], {
      name: names.node(node.name === '' ? '' : `${node.name}_Q${bits}`),
      domain: MICROSOFT_DOMAIN,
      attributes,
    }),
    makeNode('Shape', [node.input[1] ?? ''], [asked]),
    makeNode('Concat', [asked, integers('width', [width])], [shape], { attributes: { axis: 0 } }),
    makeNode('Reshape', [picked, shape], [output]),
  );
}

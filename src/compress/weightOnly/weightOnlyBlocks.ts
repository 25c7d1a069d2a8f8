import type { NodeProto, TensorProto } from 'onnx-buf';
import { floatAttribute, intAttribute, makeNode } from '../../onnx/graph/node.js';
import { transposeMatrices } from '../../onnx/graph/transpose.js';
import { MICROSOFT_DOMAIN } from '../../onnx/model.js';
import { makeTensor, shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import { compressedWeight, constantFloats, type Rewriting } from '../rewrite/rewrite.js';
import type { Constant, Scope } from '../rewrite/scope.js';
import { signalToErrorDb } from '../rewrite/signalToError.js';
import { type BlockMatrix, dequantizeBlocks, quantizeBlocks } from './blocks.js';
import { quantizeBlocksHqq } from './hqq.js';
import type { WeightOnlyOpType, WeightOnlySettings } from './weightOnlyOptions.js';

/** Replaces a product with a constant matrix by `MatMulNBits`, and by an `Add` for the bias of a Gemm. */
export function multiplyBlocks(
  node: NodeProto,
  opType: WeightOnlyOpType,
  settings: WeightOnlySettings,
  scope: Scope,
  rewriting: Rewriting,
): void {
  if (opType !== 'MatMul' && opType !== 'Gemm')
    throw new LeftInFloat('form', `there is no block-wise form of ${opType}`);
  // What others read the other way round is stored as one of them needs it.
  const once = scope.shared?.storedOnce(node.input[1] ?? '');
  const weight = constantFloats(scope, once?.name ?? node.input[1]);
  const shape = shapeOf(weight.tensor);
  if (shape.length !== 2) throw new LeftInFloat('form', `its weight has ${shape.length} axes, not 2`);
  const turned = (opType === 'Gemm' && intAttribute(node, 'transB', 0) !== 0) !== (once?.turned ?? false);
  const plain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;
  if (opType === 'Gemm' && (!plain || intAttribute(node, 'transA', 0) !== 0)) {
    throw new LeftInFloat('form', 'a Gemm with alpha, beta or transA has no block-wise form');
  }
  const [rows = 1, columns = 1] = turned ? shape.toReversed() : shape;
  const stored = blockTensors(node, weight, rows, columns, turned, settings, rewriting);
  const output = node.output[0] ?? '';
  const bias = opType === 'Gemm' ? (node.input[2] ?? '') : '';
  const product = bias === '' ? output : rewriting.names.value(`${output}_MatMul`);
  const attributes = { K: rows, N: columns, bits: settings.bits, block_size: settings.blockSize };
  scope.nodes.push(
    makeNode('MatMulNBits', [node.input[0] ?? '', ...stored], [product], {
      name: rewriting.names.node(node.name === '' ? '' : `${node.name}_Q${settings.bits}`),
      domain: MICROSOFT_DOMAIN,
      attributes: settings.accuracyLevel === 0 ? attributes : { ...attributes, accuracy_level: settings.accuracyLevel },
    }),
  );
  if (bias !== '') {
    const name = rewriting.names.node(node.name === '' ? '' : `${node.name}_Add`);
    scope.nodes.push(makeNode('Add', [product, bias], [output], { name }));
  }
}

/**
 * Stores a weight in blocks, once for all that read it so.
 *
 * @returns names of the packed weight, its scales and, unless symmetric, its zero points
 */
export function blockTensors(
  node: NodeProto,
  weight: Constant,
  rows: number,
  columns: number,
  turned: boolean,
  settings: WeightOnlySettings,
  rewriting: Rewriting,
): readonly string[] {
  const key = `${weight.name} QOperator ${turned}`;
  const known = weight.owner.weights.get(key);
  if (known !== undefined) return [known.quantized, known.scale, ...(known.zeroPoint === '' ? [] : [known.zeroPoint])];
  let floats = tensorFloats(weight.tensor);
  if (turned) {
    const target = new Float32Array(floats.length);
    transposeMatrices(floats, target, 1, columns, rows);
    floats = target;
  }
  const matrix = blockMatrix(weight.name, floats, rows, columns, settings);
  const blocks = Math.ceil(rows / settings.blockSize);
  const { names } = rewriting;
  const packedName = names.value(`${weight.name}_Q${settings.bits}`);
  const scalesName = names.value(`${weight.name}_scales`);
  const made: TensorProto[] = [
    makeTensor(packedName, 'uint8', [columns, blocks, (settings.blockSize * settings.bits) / 8], matrix.packed),
    makeTensor(scalesName, 'float32', [columns * blocks], matrix.scales),
  ];
  const { zeroPoints } = matrix;
  const zerosName = zeroPoints === null ? '' : names.value(`${weight.name}_zero_points`);
  if (zeroPoints !== null) {
    const dtype = zeroPoints instanceof Float32Array ? 'float32' : 'uint8';
    made.push(makeTensor(zerosName, dtype, [zeroPoints.length], zeroPoints));
    rewriting.params.add(zerosName);
  }
  rewriting.params.add(scalesName);
  weight.owner.added.push(...made);
  weight.owner.weights.set(key, { quantized: packedName, scale: scalesName, zeroPoint: zerosName });
  const report = compressedWeight(weight, node, made, 'block', signalToErrorDb(floats, dequantizeBlocks(matrix)));
  rewriting.compressed.push({ stored: packedName, report });
  return [packedName, scalesName, ...(zerosName === '' ? [] : [zerosName])];
}

function blockMatrix(
  name: string,
  floats: Float32Array,
  rows: number,
  columns: number,
  settings: WeightOnlySettings,
): BlockMatrix {
  const { bits, blockSize, isSymmetric: symmetric } = settings;
  if (!floats.every(Number.isFinite)) {
    throw new LeftInFloat('values', `its weight ${name}: finite values were required, got NaN or an infinity`);
  }
  const matrix =
    settings.algorithm === 'hqq'
      ? quantizeBlocksHqq(floats, rows, columns, { bits, blockSize })
      : quantizeBlocks(floats, rows, columns, { bits, blockSize, symmetric });
  if (!matrix.scales.every(Number.isFinite)) {
    throw new LeftInFloat('values', `its weight ${name}: a block spans more than float32 holds`);
  }
  return matrix;
}

import type { NodeProto, TensorProto } from 'onnx-buf';
import { InputError, UnavailableError } from '../errors.js';
import { copyMessage } from '../onnx/copy.js';
import { DTYPE_CODE, type Dtype } from '../onnx/dtype.js';
import { valuesRead } from '../onnx/graph.js';
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from '../onnx/halfFloat.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import { NameSource } from '../onnx/names.js';
import { makeNode } from '../onnx/node.js';
import { pruneUnused } from '../onnx/prune.js';
import { subgraphsOf } from '../onnx/subgraphs.js';
import { elementCount, makeTensor, shapeOf, tensorDtype, tensorFloats } from '../onnx/tensor.js';
import type { Compressed } from './dynamic.js';
import { leftWeights } from './leftWeights.js';
import { prepare } from './prepare.js';
import type { CompressedWeight, CompressionReport } from './report.js';
import { compressedWeight, signalToErrorDb } from './rewrite.js';
import { type Constant, Scope } from './scope.js';
import { valueTypes } from './valueTypes.js';

/** Options of {@link convertToHalf}. */
export interface HalfOptions {
  /** Default float16. ONNX Runtime computes in bfloat16 on no processor: that needs `weightsOnly`. */
  readonly format?: 'float16' | 'bfloat16';
  /** Store the weights in half precision and compute in float32: the file alone shrinks. Default false. */
  readonly weightsOnly?: boolean;
  /** Operators that go on computing in float32. Default: {@link HALF_BLOCK_LIST}. */
  readonly opBlockList?: readonly string[];
  /** Names of nodes that go on computing in float32. */
  readonly nodesToExclude?: readonly string[];
}

/**
 * Operators that stay in float32: those whose definition has no float16, those whose inputs mix precisions, and those
 * where rounding would change a choice.
 */
export const HALF_BLOCK_LIST: readonly string[] = [
  'Range',
  'CumSum',
  'Resize',
  'Upsample',
  'NonMaxSuppression',
  'TopK',
  'RoiAlign',
  'ConstantOfShape',
  'EyeLike',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
];

/** Largest finite float16. */
const LARGEST = 65_504;

/** What the conversion of one model knows and remembers. */
interface Conversion {
  readonly format: 'float16' | 'bfloat16';
  readonly scope: Scope;
  readonly names: NameSource;
  readonly types: ReadonlyMap<string, Dtype>;
  /** For each value: what it is called in half precision. */
  readonly halves: Map<string, string>;
  /** Values that exist in half precision alone so far. */
  readonly onlyHalf: Set<string>;
  readonly compressed: CompressedWeight[];
  readonly notes: string[];
}

/**
 * Converts a model to half precision. Inputs and outputs stay float32; so do blocked operators, nested graphs, operators
 * outside ONNX's own set, and what is computed from lengths and shapes alone, where 2,049 would become 2,048.
 *
 * @param original - left as it is
 * @returns the new model and a report on each weight; constants beyond ±65,504 are clipped, and noted
 * @throws {UnavailableError} for bfloat16 arithmetic, which the runtime does not have
 * @throws {InputError} for an unknown format or node
 */
export function convertToHalf(original: OnnxModel, options: HalfOptions = {}): Compressed {
  const { format = 'float16', weightsOnly = false, opBlockList = HALF_BLOCK_LIST, nodesToExclude = [] } = options;
  const { model, notes: changes, nodeNames } = prepare(original);
  checkOptions(nodeNames, format, weightsOnly, nodesToExclude);
  const graph = mainGraph(model);
  const conversion: Conversion = {
    format,
    scope: new Scope(graph, null),
    names: new NameSource(model.proto),
    types: valueTypes(graph),
    halves: new Map(),
    onlyHalf: new Set(),
    compressed: [],
    notes: [...changes],
  };
  const blocked = new Set(opBlockList);
  const activations = new Set(graph.input.map(({ name }) => name).filter((name) => isFloat(name, conversion)));
  for (const node of graph.node) {
    const fed = [...valuesRead(node)].some((name) => activations.has(name));
    for (const name of node.output) if (fed && isFloat(name, conversion)) activations.add(name);
    const standard = node.domain === '' || node.domain === 'ai.onnx';
    const whole = fed && standard && subgraphsOf(node).length === 0 && !blocked.has(node.opType);
    if (weightsOnly) readStored(node, conversion);
    else if (whole && !nodesToExclude.includes(node.name)) computeInHalf(node, conversion);
    else computeInFloat(node, conversion);
  }
  const { scope, compressed, notes } = conversion;
  for (const { name } of graph.output) asFloat(name, conversion);
  const changed = pruneUnused(
    copyMessage(graph, { node: scope.nodes, initializer: [...graph.initializer, ...scope.added], valueInfo: [] }),
  );
  const left = leftWeights(changed, 'half precision', new Map(), new Set()).filter(
    (weight) => weight.dtype === 'float32',
  );
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const leftBytes = sum(left.map((weight) => weight.sizeBytes));
  const report: CompressionReport = {
    transform: format,
    compressed,
    leftWeights: left.map((weight) => ({ ...weight, reason: 'its operator stays in float32' })),
    leftNodes: [],
    replacedNodes: {},
    weightBytesBefore: sum(compressed.map((weight) => weight.sizeBytesBefore)) + leftBytes,
    weightBytesAfter: sum(compressed.map((weight) => weight.sizeBytesAfter)) + leftBytes,
    notes,
  };
  return { model: { proto: copyMessage(model.proto, { graph: changed }), path: model.path }, report };
}

function checkOptions(
  names: ReadonlySet<string>,
  format: string,
  weightsOnly: boolean,
  nodesToExclude: readonly string[],
): void {
  if (format !== 'float16' && format !== 'bfloat16') {
    throw new InputError(`format: float16 or bfloat16 was required, got ${format}; choose one`);
  }
  if (format === 'bfloat16' && !weightsOnly) {
    throw new UnavailableError(
      'bfloat16: a runtime that computes in it was required, got ONNX Runtime, which has no such kernels on the CPU; set weightsOnly',
    );
  }
  const missing = nodesToExclude.find((name) => !names.has(name));
  if (missing === undefined) return;
  throw new InputError(
    `nodesToExclude: names of the model's nodes were required, got ${missing}; see \`quantlab inspect\``,
  );
}

function isFloat(name: string, conversion: Conversion): boolean {
  return conversion.types.get(name) === 'float32';
}

/** A node that stays as it is: what it reads has to be there in float32. */
function computeInFloat(node: NodeProto, conversion: Conversion): void {
  for (const name of valuesRead(node)) asFloat(name, conversion);
  conversion.scope.nodes.push(node);
}

function computeInHalf(node: NodeProto, conversion: Conversion): void {
  const input = node.input.map((name) =>
    name !== '' && isFloat(name, conversion) ? asHalf(name, node, conversion) : name,
  );
  const output = node.output.map((name) => {
    if (name === '' || !isFloat(name, conversion)) return name;
    const half = conversion.names.value(`${name}_float16`);
    conversion.halves.set(name, half);
    conversion.onlyHalf.add(name);
    return half;
  });
  const attribute = node.attribute.map((one) =>
    node.opType === 'Cast' && one.name === 'to' && Number(one.i) === DTYPE_CODE.float32
      ? copyMessage(one, { i: BigInt(DTYPE_CODE.float16) })
      : one,
  );
  conversion.scope.nodes.push(copyMessage(node, { input, output, attribute }));
}

/** The name of a value in half precision: a constant that is stored so, or a `Cast`. */
function asHalf(name: string, node: NodeProto, conversion: Conversion): string {
  const known = conversion.halves.get(name);
  if (known !== undefined) return known;
  const { scope, names, format } = conversion;
  const constant = scope.constantOf(name);
  const half = names.value(`${name}_${format}`);
  conversion.halves.set(name, half);
  if (constant === undefined) {
    scope.nodes.push(makeNode('Cast', [name], [half], { attributes: { to: DTYPE_CODE[format] } }));
  } else {
    scope.added.push(storeHalf(constant, half, node, conversion));
  }
  return half;
}

function asFloat(name: string, conversion: Conversion): void {
  if (!conversion.onlyHalf.delete(name)) return;
  const half = conversion.halves.get(name) ?? '';
  conversion.scope.nodes.push(makeNode('Cast', [half], [name], { attributes: { to: DTYPE_CODE.float32 } }));
}

/** Replaces the float32 constants that a node reads by half-precision ones and a `Cast`. */
function readStored(node: NodeProto, conversion: Conversion): void {
  const { scope, names, halves } = conversion;
  const input = node.input.map((name) => {
    const constant = name === '' ? undefined : scope.constantOf(name);
    const stored = constant !== undefined && tensorDtype(constant.tensor) === 'float32';
    if (!stored || constant === undefined || elementCount(constant.tensor) <= 1) return name;
    const known = halves.get(name);
    if (known !== undefined) return known;
    const half = names.value(`${name}_${conversion.format}`);
    scope.added.push(storeHalf(constant, half, node, conversion));
    const back = names.value(`${name}_float32`);
    scope.nodes.push(makeNode('Cast', [half], [back], { attributes: { to: DTYPE_CODE.float32 } }));
    halves.set(name, back);
    return back;
  });
  scope.nodes.push(copyMessage(node, { input }));
}

function storeHalf(constant: Constant, name: string, node: NodeProto, conversion: Conversion): TensorProto {
  const { format, compressed, notes } = conversion;
  const values = tensorFloats(constant.tensor);
  let clipped = 0;
  if (format === 'float16') {
    for (const [i, value] of values.entries()) {
      if (Math.abs(value) <= LARGEST || !Number.isFinite(value)) continue;
      values[i] = Math.sign(value) * LARGEST;
      clipped++;
    }
  }
  if (clipped > 0) notes.push(`${constant.name}: ${clipped} values beyond ±65,504 were clipped`);
  const codes = format === 'float16' ? encodeFloat16(values) : encodeBfloat16(values);
  const stored = makeTensor(name, format, shapeOf(constant.tensor), codes);
  const back = format === 'float16' ? decodeFloat16(codes) : decodeBfloat16(codes);
  if (values.length > 1) {
    compressed.push(compressedWeight(constant, node, [stored], 'tensor', signalToErrorDb(values, back)));
  }
  return stored;
}

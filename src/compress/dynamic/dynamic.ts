import { create } from '@bufbuild/protobuf';
import { type GraphProto, type NodeProto, OperatorSetIdProtoSchema } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../../onnx/graph/copy.js';
import { NameSource } from '../../onnx/graph/names.js';
import { isOp, nodeTitle } from '../../onnx/graph/node.js';
import { mapSubgraphs, pruneUnused } from '../../onnx/graph/prune.js';
import { nestedGraphs, subgraphsOf } from '../../onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../../onnx/model.js';
import { FloatScratch } from '../../onnx/tensor/tensor.js';
import { leftWeights, NOT_ASKED } from '../rewrite/leftWeights.js';
import { type Prepared, prepare } from '../rewrite/prepare.js';
import type { CompressionReport, LeftNode } from '../rewrite/report.js';
import { Scope } from '../rewrite/scope.js';
import { SharedWeights } from '../rewrite/sharedWeights.js';
import { addNodes, type DynamicContext, dequantizePending, LeftInFloat, MICROSOFT_DOMAIN } from './dynamicContext.js';
import { rewriteConv } from './dynamicConv.js';
import { rewriteAttention, rewriteEmbedding } from './dynamicFused.js';
import { rewriteGather } from './dynamicGather.js';
import { rewriteLstm } from './dynamicLstm.js';
import { rewriteGemm, rewriteMatMul, withConstantSecond } from './dynamicMatMul.js';
import {
  DYNAMIC_OP_TYPES,
  type DynamicOpType,
  dynamicSettings,
  type QuantizeDynamicOptions,
} from './dynamicOptions.js';

/** A smaller model and what was done to get it. */
export interface Compressed {
  readonly model: OnnxModel;
  readonly report: CompressionReport;
  /** Names of the scales that were made: constants of the new model that are no weights. */
  readonly params?: ReadonlySet<string>;
}

type Rewrite = (node: NodeProto, scope: Scope, context: DynamicContext) => void;

const REWRITES: Readonly<Record<DynamicOpType, Rewrite>> = {
  MatMul: rewriteMatMul,
  Gemm: rewriteGemm,
  LSTM: rewriteLstm,
  Conv: rewriteConv,
  Gather: rewriteGather,
  Attention: rewriteAttention,
  EmbedLayerNormalization: rewriteEmbedding,
};

/** Operators of {@link REWRITES} that ONNX Runtime adds to ONNX's. */
const MICROSOFT_OPS: ReadonlySet<string> = new Set(['Attention', 'EmbedLayerNormalization']);

/** What the rewriting of one model collects. */
interface Rewriting extends DynamicContext {
  readonly leftNodes: LeftNode[];
  /** Why nodes stay in float, by title. */
  readonly reasons: Map<string, string>;
  readonly replacedNodes: Map<string, number>;
}

/**
 * Quantizes weights to eight bits; activations are quantized at run time. Weights, scales and zero points are those of
 * ONNX Runtime 1.31's `quantize_dynamic` on the same model and options; bodies of `If`, `Loop` and `Scan` and the
 * model's own functions are quantized too, and weights that reach their node through `Constant`, `Cast`, `Transpose` and the like.
 *
 * @param model - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for an unknown option, a damaged weight, or an operator set below 7
 * @example
 * const { model, report } = quantizeDynamic(await readModel('model.onnx'), { perChannel: true });
 * await writeModel(model, 'model.int8.onnx');
 */
export function quantizeDynamic(model: OnnxModel, options: QuantizeDynamicOptions = {}): Compressed {
  try {
    return quantize(model, options);
  } catch (error) {
    if (!(error instanceof InputError) || error.message.startsWith(model.path)) throw error;
    throw new InputError(`${model.path}: ${error.message}`, { cause: error });
  }
}

function quantize(original: OnnxModel, options: QuantizeDynamicOptions): Compressed {
  const prepared = prepare(original, { lowestOpset: 11 });
  const shared = new SharedWeights(mainGraph(prepared.model));
  for (;;) {
    const done = quantizeOnce(prepared, options, shared);
    if (!shared.decide(done.report.compressed, mainGraph(done.model))) return done;
  }
}

function quantizeOnce(prepared: Prepared, options: QuantizeDynamicOptions, shared: SharedWeights): Compressed {
  const { model, notes, nodeNames } = prepared;
  const graph = mainGraph(model);
  const rewriting: Rewriting = {
    settings: dynamicSettings(options, nodeNames),
    names: new NameSource(model.proto),
    compressed: [],
    scales: new Set(),
    scratch: new FloatScratch(),
    bytes: new Uint8Array(),
    heldBytes: 0,
    usesMicrosoftDomain: false,
    leftNodes: [],
    reasons: new Map(),
    replacedNodes: new Map(),
  };
  const quantized = pruneUnused(rewriteGraph(graph, new Scope(graph, null, shared), rewriting));
  const opsetImport = [...model.proto.opsetImport];
  if (rewriting.usesMicrosoftDomain && opsetVersion(model, MICROSOFT_DOMAIN) === 0) {
    opsetImport.push(create(OperatorSetIdProtoSchema, { domain: MICROSOFT_DOMAIN, version: 1n }));
  }
  const proto = copyMessage(model.proto, { graph: quantized, opsetImport });
  const { leftNodes } = rewriting;
  const stored = new Set<string>();
  for (const { initializer } of nestedGraphs(quantized)) for (const { name } of initializer) stored.add(name);
  // One of a node's weights may have been quantized before another made the node stay in float.
  const compressed = rewriting.compressed.filter((one) => stored.has(one.quantized)).map((one) => one.report);
  const left = leftWeights(quantized, 'dynamic quantization', rewriting.reasons, rewriting.scales);
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const leftBytes = sum(left.map((weight) => weight.sizeBytes));
  const leftNames = new Set(left.map((weight) => weight.name));
  const gone = new Map(
    compressed.filter(({ name }) => !leftNames.has(name)).map((weight) => [weight.name, weight.sizeBytesBefore]),
  );
  const report: CompressionReport = {
    transform: 'dynamic',
    compressed,
    leftWeights: left,
    leftNodes,
    replacedNodes: Object.fromEntries([...rewriting.replacedNodes].sort()),
    weightBytesBefore: sum([...gone.values()]) + leftBytes,
    weightBytesAfter: sum(compressed.map((weight) => weight.sizeBytesAfter)) + leftBytes,
    notes: [...notes, ...lostInputs(graph, quantized)],
  };
  return { model: { proto, path: model.path }, report, params: rewriting.scales };
}

/** Says that weights that were inputs, too, are none any more. */
function lostInputs(before: GraphProto, after: GraphProto): string[] {
  const count = before.input.length - after.input.length;
  return count > 0 ? [`${count} weights were listed as inputs, too: they cannot be replaced by callers any more`] : [];
}

function rewriteGraph(graph: GraphProto, scope: Scope, rewriting: Rewriting): GraphProto {
  for (const node of graph.node) {
    const nested = subgraphsOf(node).length > 0;
    const current = nested
      ? mapSubgraphs(node, (inner) => rewriteGraph(inner, new Scope(inner, scope), rewriting))
      : node;
    rewriteNode(current, scope, rewriting);
  }
  for (const { name } of graph.output) dequantizePending(rewriting, scope, name);
  return copyMessage(graph, { node: scope.nodes, initializer: [...graph.initializer, ...scope.added] });
}

function rewriteNode(node: NodeProto, scope: Scope, rewriting: Rewriting): void {
  const opType = DYNAMIC_OP_TYPES.find((type) =>
    MICROSOFT_OPS.has(type) ? node.opType === type && node.domain === MICROSOFT_DOMAIN : isOp(node, type),
  );
  if (opType === undefined) {
    addNodes(rewriting, scope, withConstantSecond(node, scope));
    return;
  }
  try {
    const reason = reasonToSkip(node, opType, scope, rewriting);
    if (reason !== undefined) throw new LeftInFloat(reason);
    REWRITES[opType](node, scope, rewriting);
    rewriting.replacedNodes.set(opType, (rewriting.replacedNodes.get(opType) ?? 0) + 1);
  } catch (error) {
    if (!(error instanceof LeftInFloat)) throw error;
    // Each rewriting looks at all its weights before it adds its first node.
    addNodes(rewriting, scope, node);
    rewriting.reasons.set(nodeTitle(node), error.message);
    const { opTypesToQuantize } = rewriting.settings;
    if (error.listed && opTypesToQuantize.includes(opType)) {
      rewriting.leftNodes.push({ node: nodeTitle(node), opType, reason: error.message });
    }
  }
}

function reasonToSkip(node: NodeProto, opType: DynamicOpType, scope: Scope, rewriting: Rewriting): string | undefined {
  const { opTypesToQuantize, nodesToQuantize, nodesToExclude } = rewriting.settings;
  // A table that a product quantizes is picked from as it is stored, whether or not tables are asked for.
  const stored = opType === 'Gather' && scope.shared?.storedOnce(node.input[0] ?? '') !== undefined;
  if (!opTypesToQuantize.includes(opType) && !stored) return NOT_ASKED;
  if (nodesToExclude.includes(node.name)) return 'it is in nodesToExclude';
  if (nodesToQuantize.length > 0 && !nodesToQuantize.includes(node.name)) return 'it is not in nodesToQuantize';
  return undefined;
}

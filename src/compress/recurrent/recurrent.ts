import type { OnnxModel } from '../../onnx/model.js';
import { DYNAMIC, quantizeDynamicGraph } from '../dynamic/dynamic.js';
import { applyAlone, type Compressed, type Pass, settingsOf } from '../pass.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type CompressedWeight, type CompressionReport, type LeftWeight, weightBytes } from '../rewrite/report.js';
import { type Changed, rewriteModel } from '../rewrite/rewrite.js';
import { writeLayer } from './recurrentLayer.js';
import { readRecurrent } from './recurrentNode.js';
import {
  type QuantizeRecurrentOptions,
  RECURRENT_OP_TYPES,
  RECURRENT_OPTIONS,
  type RecurrencePrecision,
  type RecurrentGiven,
  recurrentSettings,
} from './recurrentOptions.js';
import { type ProductRecord, ProductWriter } from './recurrentProducts.js';
import { NodeWriter } from './recurrentWriter.js';

/** Options that rewrite the layers named with a recurrence of one precision. */
const inPrecision = (recurrence: RecurrencePrecision): ((nodes: readonly string[]) => QuantizeRecurrentOptions) => {
  return (nodesToQuantize) => ({ opTypesToQuantize: RECURRENT_OP_TYPES, nodesToQuantize, recurrence });
};

/** Quantization of recurrent layers: {@link quantizeRecurrent} as a step of a recipe. */
export const RECURRENT: Pass<'recurrent', QuantizeRecurrentOptions, RecurrentGiven> = {
  name: 'recurrent',
  title: 'the recurrent transform',
  description: 'GRU, RNN and, where asked for, LSTM written out, their products in 8 or 4 bits; needs no calibration',
  stage: 'layer',
  options: RECURRENT_OPTIONS,
  forms: [
    { choice: 'int8', opTypes: ['GRU', 'RNN'], options: inPrecision('int8') },
    { choice: 'nbits8', opTypes: ['LSTM', 'GRU', 'RNN'], options: inPrecision('nbits8') },
    { choice: 'nbits4', opTypes: ['LSTM', 'GRU', 'RNN'], options: inPrecision('nbits4') },
  ],
  looksFor: ({ opTypesToQuantize }) => `constant weights of ${opTypesToQuantize.join(', ')}`,
  apply: quantize,
};

/**
 * Rewrites GRU, RNN and, where asked for, LSTM, for which ONNX Runtime has no quantized operator or not in so few bits:
 * the product with the input weights is computed for all steps at once, the recurrence in a `Scan`, both in the
 * precision asked for. Directions, lengths, initial states, activations, clip and layout are kept.
 *
 * In `float` the answers equal those of the node within 1e-5. Run {@link quantizeDynamic} afterwards for the rest.
 *
 * @param model - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for an unknown option
 * @example
 * const { model } = quantizeRecurrent(await readModel('gru.onnx'), { recurrence: 'nbits8' });
 */
export function quantizeRecurrent(model: OnnxModel, options: QuantizeRecurrentOptions = {}): Compressed {
  return applyAlone(model, RECURRENT, options, quantize);
}

function quantize(original: NormalGraph, given: RecurrentGiven): Changed {
  const settings = recurrentSettings(given);
  const graph = original.inOpset11();
  let record: ProductRecord = { integerNodes: new Set(), origins: new Map(), biases: new Set() };
  const rewritten = rewriteModel(graph, settings, {
    name: RECURRENT.name,
    title: RECURRENT.title,
    opTypes: RECURRENT_OP_TYPES,
    begin(rewriting) {
      record = { integerNodes: new Set(), origins: new Map(), biases: new Set() };
      return (node, opType, scope) => {
        const recurrent = readRecurrent(node, opType, scope);
        const prefix = node.name === '' ? (node.output.find((name) => name !== '') ?? opType) : node.name;
        const writer = new NodeWriter(rewriting.names, prefix, graph.opset, scope.added);
        writeLayer(new ProductWriter(recurrent, settings, scope, rewriting, record), writer);
        scope.nodes.push(...writer.nodes);
      };
    },
  });
  if (record.integerNodes.size === 0) return { ...rewritten, report: withOrigins(rewritten.report, [], record) };
  const quantized = quantizeProducts(rewritten.graph.handedOn(), record, settings.reduceRange);
  return {
    graph: quantized.graph,
    report: withOrigins(rewritten.report, quantized.report.compressed, record),
    params: new Set([...(rewritten.params ?? []), ...(quantized.params ?? [])]),
  };
}

/** Puts the products that are to be in int8 there, as dynamic quantization does it. */
function quantizeProducts(graph: NormalGraph, { integerNodes }: ProductRecord, reduceRange: boolean): Changed {
  const nodesToQuantize = [...integerNodes];
  const options = { opTypesToQuantize: ['MatMul'], nodesToQuantize, perChannel: true, reduceRange } as const;
  return quantizeDynamicGraph(graph, settingsOf(DYNAMIC, options));
}

/** The report in the words of the original model: its weights instead of the matrices that they were cut into. */
function withOrigins(
  report: CompressionReport,
  integers: readonly CompressedWeight[],
  record: ProductRecord,
): CompressionReport {
  const done = new Set(integers.map(({ name }) => name));
  const compressed = [
    ...report.compressed,
    ...integers.map((weight): CompressedWeight => {
      const origin = record.origins.get(weight.name);
      if (origin === undefined) return weight;
      const { node, opType } = origin.recurrent;
      return { ...weight, name: origin.weight.name, node: node.name || weight.node, opType };
    }),
  ];
  const leftWeights = report.leftWeights
    .filter(({ name }) => !done.has(name))
    .map((weight): LeftWeight => {
      if (record.biases.has(weight.name)) {
        return { ...weight, cause: 'kept', reason: 'a bias or peephole, computed in float' };
      }
      return record.origins.has(weight.name) ? { ...weight, cause: 'excluded', reason: 'float was asked for' } : weight;
    });
  return { ...report, compressed, leftWeights, ...weightBytes(compressed, leftWeights) };
}

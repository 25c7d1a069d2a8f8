import { type OnnxModel, opsetVersion } from '../../onnx/model.js';
import { type Compressed, quantizeDynamic } from '../dynamic/dynamic.js';
import { prepare } from '../rewrite/prepare.js';
import type { CompressedWeight, CompressionReport } from '../rewrite/report.js';
import { rewriteModel } from '../rewrite/rewrite.js';
import { writeLayer } from './recurrentLayer.js';
import { readRecurrent } from './recurrentNode.js';
import { type QuantizeRecurrentOptions, RECURRENT_OP_TYPES, recurrentSettings } from './recurrentOptions.js';
import { type ProductRecord, ProductWriter } from './recurrentProducts.js';
import { NodeWriter } from './recurrentWriter.js';

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
  const settings = recurrentSettings(options);
  const prepared = prepare(model, { lowestOpset: 11 });
  const opset = opsetVersion(prepared.model);
  const record: ProductRecord = { integerNodes: new Set(), origins: new Map(), biases: new Set() };
  const rewritten = rewriteModel(prepared, settings, {
    name: 'recurrent',
    title: 'the recurrent transform',
    opTypes: RECURRENT_OP_TYPES,
    nested: true,
    start: () => {
      record.integerNodes.clear();
      record.origins.clear();
      record.biases.clear();
    },
    rewrite(node, opType, scope, rewriting) {
      const recurrent = readRecurrent(node, opType, scope);
      const prefix = node.name === '' ? (node.output.find((name) => name !== '') ?? opType) : node.name;
      const writer = new NodeWriter(rewriting.names, prefix, opset, scope.added);
      writeLayer(new ProductWriter(recurrent, settings, scope, rewriting, record), writer);
      scope.nodes.push(...writer.nodes);
    },
  });
  if (record.integerNodes.size === 0) {
    return { ...rewritten, report: withOrigins(rewritten.report, [], record) };
  }
  const quantized = quantizeDynamic(rewritten.model, {
    opTypesToQuantize: ['MatMul'],
    nodesToQuantize: [...record.integerNodes],
    perChannel: true,
    reduceRange: settings.reduceRange,
  });
  return {
    model: quantized.model,
    report: withOrigins(rewritten.report, quantized.report.compressed, record),
    params: new Set([...(rewritten.params ?? []), ...(quantized.params ?? [])]),
  };
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
    .map((weight) => {
      if (record.biases.has(weight.name)) return { ...weight, reason: 'a bias or peephole, computed in float' };
      return record.origins.has(weight.name) ? { ...weight, reason: 'float was asked for' } : weight;
    });
  const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
  const leftBytes = sum(leftWeights.map((weight) => weight.sizeBytes));
  return {
    ...report,
    compressed,
    leftWeights,
    weightBytesBefore: sum(compressed.map((weight) => weight.sizeBytesBefore)) + leftBytes,
    weightBytesAfter: sum(compressed.map((weight) => weight.sizeBytesAfter)) + leftBytes,
  };
}

/** What a model that somebody writes has to hold, as ONNX's checker asks: names, order and types. */
import type { GraphProto, NodeProto } from 'onnx-buf';
import { nodeTitle } from '../../src/onnx/graph/node.js';
import { subgraphsOf } from '../../src/onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../../src/onnx/model.js';
import { inputParameter, type OperatorSets, operatorSetsOf, signatureOf } from '../../src/onnx/types/signature.js';
import { bodyInputTypes, outputType, type ValueTypes, valueTypes } from '../../src/onnx/types/valueTypes.js';

/** The faults of a model in words; none for a valid one. */
export function faultsOf(model: OnnxModel): string[] {
  const faults: string[] = [];
  checkGraph(mainGraph(model), operatorSetsOf(model.proto), new Set(), undefined, [], faults);
  return faults;
}

function checkGraph(
  graph: GraphProto,
  sets: OperatorSets,
  outer: ReadonlySet<string>,
  around: ValueTypes | undefined,
  given: Parameters<typeof valueTypes>[3],
  faults: string[],
): void {
  const types = valueTypes(graph, sets, around, given);
  const seen = new Set(outer);
  const define = (name: string, what: string): void => {
    if (name === '') return;
    if (seen.has(name)) faults.push(`${what} ${name} is defined twice`);
    seen.add(name);
  };
  const weights = new Set<string>();
  for (const { name } of graph.initializer) {
    if (weights.has(name)) faults.push(`weight ${name} is stored twice`);
    weights.add(name);
  }
  for (const { values } of graph.sparseInitializer) if (values) weights.add(values.name);
  for (const { name } of graph.input) if (!weights.has(name)) define(name, 'input');
  for (const name of weights) define(name, 'weight');
  for (const node of graph.node) {
    const title = nodeTitle(node);
    for (const name of node.input)
      if (name !== '' && !seen.has(name)) faults.push(`${title} reads ${name}, which is not there yet`);
    for (const body of subgraphsOf(node)) checkGraph(body, sets, seen, types, bodyInputTypes(node, types), faults);
    for (const name of node.output) define(name, 'value');
    checkTypes(node, types, sets, faults);
  }
  for (const { name } of graph.output) if (!seen.has(name)) faults.push(`output ${name} is made by nobody`);
}

/** Inputs and outputs of one type parameter are of one type, and what is declared is what is made. */
function checkTypes(node: NodeProto, types: ValueTypes, sets: OperatorSets, faults: string[]): void {
  const signature = signatureOf(node, sets);
  for (const [index, name] of node.output.entries()) {
    const made = outputType(node, index, types, sets);
    const told = types.get(name);
    if (made !== undefined && told !== undefined && made !== told)
      faults.push(`${nodeTitle(node)} makes ${made} of ${name}, which is declared ${told}`);
  }
  if (signature === undefined) {
    if (node.domain === '' && subgraphsOf(node).length === 0)
      faults.push(`${nodeTitle(node)}: ${node.opType} is not in operator set ${sets.get('')}`);
    return;
  }
  const bound = new Map<string, string>();
  for (const [index, name] of node.input.entries()) {
    const type = types.get(name);
    const parameter = inputParameter(signature, index);
    if (type === undefined || !signature.parameters.has(parameter)) continue;
    const first = bound.get(parameter) ?? type;
    if (first !== type) faults.push(`${nodeTitle(node)} reads ${first} and ${type} as ${parameter}`);
    bound.set(parameter, first);
  }
}

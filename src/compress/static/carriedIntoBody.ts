import type { NodeProto } from 'onnx-buf';
import { capturedBy } from '../../onnx/graph/graph.js';
import { subgraphsOf } from '../../onnx/graph/subgraphs.js';

/** Operators past which the runtime moves a `DequantizeLinear` (`CanNodePropagate` of its qdq_propagation.cc). */
const CARRIERS: ReadonlySet<string> = new Set(['MaxPool', 'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Slice']);

/**
 * Whether a body of `If`, `Loop` or `Scan` reads, from outside, what such operators make of a value. Were the value
 * dequantized, the runtime (1.30 to 1.32) would put a pair before the node that holds the body, look among that node's own
 * inputs for the place, and end the process there.
 *
 * @param readers - of each value of the graph
 */
export function isCarriedIntoBody(value: string, readers: ReadonlyMap<string, readonly NodeProto[]>): boolean {
  const open = [value];
  const seen = new Set(open);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const reader of readers.get(name) ?? []) {
      const captures = subgraphsOf(reader).some((body) => capturedBy(body).has(name));
      if (captures && name !== value) return true;
      const [made = ''] = reader.output;
      if (!CARRIERS.has(reader.opType) || seen.has(made)) continue;
      seen.add(made);
      open.push(made);
    }
  }
  return false;
}

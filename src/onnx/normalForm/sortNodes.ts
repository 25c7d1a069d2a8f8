import type { GraphProto, NodeProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../graph/copy.js';
import { valuesRead } from '../graph/graph.js';
import { nodeTitle } from '../graph/node.js';
import { mapSubgraphs } from '../graph/prune.js';
import { subgraphsOf } from '../graph/subgraphs.js';

/**
 * A copy of a graph, nested graphs included, in which every node stands behind those that make what it reads; otherwise
 * the order stays. A graph that is in order already is returned as it is.
 *
 * @param path - the model, for messages
 * @throws {InputError} when nodes wait for each other, or two values have one name
 */
export function sortNodes(graph: GraphProto, path: string): GraphProto {
  let changed = false;
  const inner = graph.node.map((node) => {
    if (subgraphsOf(node).length === 0) return node;
    let same = true;
    const sorted = mapSubgraphs(node, (nested) => {
      const done = sortNodes(nested, path);
      same &&= done === nested;
      return done;
    });
    changed ||= !same;
    return same ? node : sorted;
  });
  const node = inOrder(inner, givenTo(graph, path), path);
  return !changed && node === inner ? graph : copyMessage(graph, { node });
}

/** Names of a graph's inputs and stored weights; a weight may be the default of an input, but not of another weight. */
function givenTo(graph: GraphProto, path: string): Set<string> {
  const stored = [...graph.initializer, ...graph.sparseInitializer.flatMap(({ values }) => values ?? [])];
  const names = new Set<string>();
  for (const { name } of stored) {
    if (names.has(name)) throw madeTwice(name, path);
    names.add(name);
  }
  for (const { name } of graph.input) names.add(name);
  return names;
}

function madeTwice(name: string, path: string): InputError {
  return new InputError(`${path}: a name for each value was required, got ${name} for two; export the model again`);
}

function inOrder(nodes: NodeProto[], given: ReadonlySet<string>, path: string): NodeProto[] {
  const makers = new Map<string, NodeProto>();
  for (const node of nodes) {
    for (const name of node.output) {
      if (name === '') continue;
      if (makers.has(name) || given.has(name)) throw madeTwice(name, path);
      makers.set(name, node);
    }
  }
  const waits = new Map(nodes.map((node) => [node, [...valuesRead(node)].flatMap((name) => makers.get(name) ?? [])]));
  const placed = new Set<NodeProto>();
  if (nodes.every((node) => waits.get(node)?.every((maker) => placed.has(maker)) && placed.add(node))) return nodes;
  placed.clear();
  const open = new Set<NodeProto>();
  for (const first of nodes) {
    // A list instead of recursion: a chain of nodes can be longer than the stack.
    const stack = [first];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      const missing: NodeProto[] = placed.has(node) ? [] : (waits.get(node) ?? []).filter((one) => !placed.has(one));
      if (missing.length === 0) {
        placed.add(node);
        open.delete(node);
        stack.pop();
        continue;
      }
      open.add(node);
      const circle = missing.find((one) => open.has(one));
      if (circle !== undefined) {
        throw new InputError(
          `${path}: nodes that can be computed one after another were required, got ${nodeTitle(node)} and ${nodeTitle(circle)}, which wait for each other; export the model again`,
        );
      }
      for (const one of missing.reverse()) stack.push(one);
    }
  }
  return [...placed];
}

import { toBinary } from '@bufbuild/protobuf';
import { AttributeProtoSchema, type GraphProto, type NodeProto, type TensorProto } from 'onnx-buf';
import { renamedTensor } from '../file/payload.js';
import { constantValue } from '../graph/constants.js';
import { copyMessage } from '../graph/copy.js';
import { isOp } from '../graph/node.js';
import { mapSubgraphs } from '../graph/prune.js';
import { subgraphsOf } from '../graph/subgraphs.js';

/** Operators that hand a weight on in another form: made once, they serve all its readers. */
const MOVERS: ReadonlySet<string> = new Set([
  'Cast',
  'Transpose',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Concat',
  'Flatten',
]);

/** A graph whose constants are gathered, and what was done. */
export interface Gathered {
  readonly graph: GraphProto;
  /** `Constant` nodes that became stored weights. */
  readonly constants: number;
  /** `Identity` nodes that are gone. */
  readonly identities: number;
  /** Nodes that made of a weight what another node makes of it already. */
  readonly merged: number;
}

/** A graph on the way from the main graph to the one at hand. */
interface Level {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
}

/**
 * Gathers the constants of a graph whose names are unique and whose nodes are sorted: `Constant` nodes become stored
 * weights, those of one function that was called often a single one; `Identity` nodes go, unless they make an output;
 * and what is made of a weight alone (`Transpose`, `Cast`, …) is made once, in the graph that the weight belongs to.
 */
export function gatherConstants(graph: GraphProto): Gathered {
  const gatherer = new Gatherer();
  gatherer.look(graph);
  const gathered = gatherer.gather(graph, []);
  const { constants, identities, merged } = gatherer;
  return { graph: constants + identities + merged === 0 ? graph : gathered, constants, identities, merged };
}

class Gatherer {
  constants = 0;
  identities = 0;
  merged = 0;
  /** For values that are another one: that. */
  readonly #aliases = new Map<string, string>();
  /** For values that are constant: how deep the graph is nested that they belong to. */
  readonly #depths = new Map<string, number>();
  /** Tensors of `Constant` nodes in more than one graph. */
  readonly #shared = new Set<TensorProto>();
  readonly #seen = new Map<TensorProto, GraphProto>();
  /** Names of what became of the tensors of `Constant` nodes. */
  readonly #stored = new Map<TensorProto, string>();
  /** Names of what is made of constants, by how it is made. */
  readonly #made = new Map<string, string>();

  /** Outputs of all graphs: what makes them stays. */
  readonly #outputs = new Set<string>();

  /** Finds what the gathering has to know of all graphs. */
  look(graph: GraphProto): void {
    for (const { name } of graph.output) this.#outputs.add(name);
    for (const node of graph.node) {
      const tensor = isOp(node, 'Constant') ? node.attribute[0]?.t : undefined;
      if (tensor !== undefined) {
        const before = this.#seen.get(tensor);
        if (before !== undefined && before !== graph) this.#shared.add(tensor);
        this.#seen.set(tensor, graph);
      }
      for (const inner of subgraphsOf(node)) this.look(inner);
    }
  }

  gather(graph: GraphProto, outer: readonly Level[]): GraphProto {
    const level: Level = { nodes: [], initializers: [...graph.initializer] };
    const levels = [...outer, level];
    for (const { name } of graph.initializer) this.#depths.set(name, outer.length);
    for (const original of graph.node) {
      const node = this.#withInputs(original, levels);
      const [output = '', ...others] = node.output;
      const kept = this.#outputs.has(output) || output === '' || others.some((name) => name !== '');
      if (kept || !this.#take(node, output, levels)) level.nodes.push(node);
    }
    return copyMessage(graph, { node: level.nodes, initializer: level.initializers });
  }

  #withInputs(node: NodeProto, levels: readonly Level[]): NodeProto {
    const input = node.input.map((name) => this.#aliases.get(name) ?? name);
    const same = input.every((name, index) => name === node.input[index]);
    const copy = same ? node : copyMessage(node, { input });
    return subgraphsOf(copy).length === 0 ? copy : mapSubgraphs(copy, (inner) => this.gather(inner, levels));
  }

  /** Whether a node is not needed where it stands. */
  #take(node: NodeProto, output: string, levels: readonly Level[]): boolean {
    if (isOp(node, 'Constant')) return this.#takeConstant(node, output, levels);
    if (isOp(node, 'Identity') && node.input.length === 1) {
      this.identities += 1;
      this.#alias(output, node.input[0] ?? '');
      return true;
    }
    return MOVERS.has(node.opType) && isOp(node, node.opType) && this.#takeMover(node, output, levels);
  }

  #takeConstant(node: NodeProto, output: string, levels: readonly Level[]): boolean {
    const value = node.attribute[0]?.t;
    const known = value === undefined ? undefined : this.#stored.get(value);
    const depth = value !== undefined && this.#shared.has(value) ? 0 : levels.length - 1;
    const tensor = constantValue(node, output);
    if (tensor === undefined) return false;
    this.constants += 1;
    if (known !== undefined) {
      this.#aliases.set(output, known);
      return true;
    }
    levels[depth]?.initializers.push(tensor.name === output ? tensor : renamedTensor(tensor, output));
    this.#depths.set(output, depth);
    if (value !== undefined) this.#stored.set(value, output);
    return true;
  }

  /** A node that makes something of constants alone: the same is made once, and where the innermost of them belongs. */
  #takeMover(node: NodeProto, output: string, levels: readonly Level[]): boolean {
    const depths = node.input.filter((name) => name !== '').map((name) => this.#depths.get(name));
    if (depths.length === 0 || depths.includes(undefined)) return false;
    const key = JSON.stringify([
      node.opType,
      node.input,
      node.attribute.map((one) => Buffer.from(toBinary(AttributeProtoSchema, one)).toString('base64')).sort(),
    ]);
    const known = this.#made.get(key);
    if (known !== undefined) {
      this.merged += 1;
      this.#aliases.set(output, known);
      return true;
    }
    const depth = Math.max(...depths.map(Number));
    this.#made.set(key, output);
    this.#depths.set(output, depth);
    levels[depth]?.nodes.push(node);
    return true;
  }

  #alias(output: string, input: string): void {
    this.#aliases.set(output, input);
    const depth = this.#depths.get(input);
    if (depth !== undefined) this.#depths.set(output, depth);
  }
}

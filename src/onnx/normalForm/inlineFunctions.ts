import type { AttributeProto, FunctionProto, GraphProto, NodeProto, OperatorSetIdProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { copyMessage } from '../graph/copy.js';
import { definedNames } from '../graph/graph.js';
import { NameSource } from '../graph/names.js';
import { makeNode } from '../graph/node.js';
import { mapSubgraphs } from '../graph/prune.js';
import { subgraphsOf } from '../graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../model.js';
import { type Renaming, renamedNode } from './renameValues.js';

/** Functions that call functions beyond this call themselves. */
const DEEPEST_CALLS = 32;

/** Nodes beyond this come of a file made to grow without end. */
const MOST_NODES = 2_000_000;

/** A model without the functions that could be put where they are called. */
export interface InlinedModel {
  readonly model: OnnxModel;
  /** Calls that were replaced. */
  readonly calls: number;
  /** Functions that stay: they are written for another operator set than the model. */
  readonly left: readonly string[];
}

/**
 * Puts the bodies of a model's own functions where they are called, so that what is in them can be rewritten as the
 * rest. The runtime does the same when it loads such a model.
 *
 * @throws {InputError} when a function calls itself
 */
export function inlineFunctions(model: OnnxModel): InlinedModel {
  const { functions } = model.proto;
  if (functions.length === 0) return { model, calls: 0, left: [] };
  const versions = new Map(model.proto.opsetImport.map((entry) => [domainOf(entry.domain), entry.version]));
  const added: OperatorSetIdProto[] = [];
  const bodies = new Map<string, FunctionProto>();
  const left: string[] = [];
  for (const fn of functions) {
    if (fn.opsetImport.some((entry) => (versions.get(domainOf(entry.domain)) ?? entry.version) !== entry.version)) {
      left.push(fn.name);
      continue;
    }
    for (const entry of fn.opsetImport) {
      if (versions.has(domainOf(entry.domain))) continue;
      versions.set(domainOf(entry.domain), entry.version);
      added.push(entry);
    }
    bodies.set(keyOf(fn.domain, fn.name, fn.overload), fn);
  }
  const inliner = new Inliner(bodies, new NameSource(model.proto), model.path);
  const graph = inliner.graph(mainGraph(model), 0);
  const kept = functions.filter((fn) => left.includes(fn.name));
  const proto = copyMessage(model.proto, {
    graph,
    functions: kept.length > 0 ? [...functions] : [],
    opsetImport: [...model.proto.opsetImport, ...added],
  });
  return { model: { proto, path: model.path }, calls: inliner.calls, left };
}

function domainOf(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

function keyOf(domain: string, name: string, overload: string): string {
  return JSON.stringify([domainOf(domain), name, overload]);
}

class Inliner {
  calls = 0;
  #nodes = 0;

  constructor(
    readonly bodies: ReadonlyMap<string, FunctionProto>,
    readonly names: NameSource,
    readonly path: string,
  ) {}

  graph(graph: GraphProto, depth: number): GraphProto {
    return copyMessage(graph, { node: graph.node.flatMap((node) => this.#node(node, depth)) });
  }

  #node(node: NodeProto, depth: number): NodeProto[] {
    this.#nodes += 1;
    const fn = this.bodies.get(keyOf(node.domain, node.opType, node.overload));
    if (depth > DEEPEST_CALLS || this.#nodes > MOST_NODES) {
      throw new InputError(
        `${this.path}: functions that end were required, got ${node.opType}, which calls itself; do not load models that you do not trust`,
      );
    }
    if (fn === undefined) {
      return [subgraphsOf(node).length > 0 ? mapSubgraphs(node, (inner) => this.graph(inner, depth)) : node];
    }
    this.calls += 1;
    return this.#body(node, fn).flatMap((one) => this.#node(one, depth + 1));
  }

  /** The nodes of a function as one call of it sees them. */
  #body(call: NodeProto, fn: FunctionProto): NodeProto[] {
    const fresh = (name: string): string => this.names.value(`${call.name}_${name}`);
    const renamed = new Map<string, string>([['', '']]);
    for (const [index, name] of fn.input.entries()) renamed.set(name, call.input[index] ?? '');
    for (const [index, name] of fn.output.entries()) {
      const wanted = call.output[index] ?? '';
      // An output that is an input of the function needs a node that hands it on.
      if (!renamed.has(name)) renamed.set(name, wanted === '' ? fresh(name) : wanted);
    }
    for (const name of definedNames(fn)) if (!renamed.has(name)) renamed.set(name, fresh(name));
    const given = new Map(fn.attributeProto.map((attribute) => [attribute.name, attribute]));
    for (const attribute of call.attribute) given.set(attribute.name, attribute);
    const renaming: Renaming = {
      rename: (name) => renamed.get(name) ?? name,
      fresh,
      node: (node) => this.#ownNode(node, given, call.name),
    };
    const nodes = fn.node.map((node) => renamedNode(node, renaming));
    for (const [index, name] of fn.output.entries()) {
      const wanted = call.output[index] ?? '';
      const has = renamed.get(name);
      if (wanted !== '' && has !== undefined && has !== wanted) nodes.push(makeNode('Identity', [has], [wanted]));
    }
    return nodes;
  }

  /** A node of a function with the attributes of the call and a name of its own. */
  #ownNode(node: NodeProto, given: ReadonlyMap<string, AttributeProto>, caller: string): NodeProto {
    const attribute = node.attribute.flatMap((one) => {
      if (one.refAttrName === '') return [one];
      const value = given.get(one.refAttrName);
      return value === undefined ? [] : [copyMessage(value, { name: one.name })];
    });
    return copyMessage(node, { attribute, name: this.names.node(node.name === '' ? '' : `${caller}_${node.name}`) });
  }
}

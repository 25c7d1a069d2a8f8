import type { GraphProto, NodeProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { valuesRead } from '../../onnx/graph/graph.js';
import type { NameSource } from '../../onnx/graph/names.js';
import { isOp, makeNode, nodeTitle } from '../../onnx/graph/node.js';
import { mapSubgraphs, pruneUnused } from '../../onnx/graph/prune.js';
import { subgraphsOf } from '../../onnx/graph/subgraphs.js';
import { DTYPE_CODE, type Dtype } from '../../onnx/tensor/dtype.js';
import { elementCount, makeTensor, shapeOf } from '../../onnx/tensor/tensor.js';
import { inputParameter, type OperatorSets, signatureOf } from '../../onnx/types/signature.js';
import { outputType, ValueTypes } from '../../onnx/types/valueTypes.js';
import type { CompressedWeight } from '../rewrite/report.js';
import { compressedWeight } from '../rewrite/rewrite.js';
import type { Scope } from '../rewrite/scope.js';
import { CARRIERS, type GraphPlan, type NodePlan, storedConstant } from './halfPlan.js';
import { type HalfStore, isFloat32 } from './halfStore.js';

/** What the writing of one model collects. */
export interface HalfWriting {
  readonly sets: OperatorSets;
  readonly store: HalfStore;
  readonly names: NameSource;
  /** Whether weights alone become half precision. */
  readonly weightsOnly: boolean;
  readonly writers: Map<Scope, HalfWriter>;
  readonly compressed: CompressedWeight[];
  readonly notes: Set<string>;
}

/** Operators with weights: where they stay in float32 for the range of their numbers, their weights are stored in half precision. */
const PRODUCTS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN']);

/** Operators that compute in integers: their float constants are scales. */
const QUANTIZED = /Quantize|QLinear|Integer|NBits/;

/** Writes one graph in half precision as it was planned. What goes in and out of the graph stays float32. */
export class HalfWriter {
  readonly #plan: GraphPlan;
  readonly #writing: HalfWriting;
  /** For each value: what it is called in half precision. */
  readonly #halves = new Map<string, string>();
  /** For each weight that is stored in half precision and read in float32: what it is called there. */
  readonly #backs = new Map<string, string>();
  /** Values that exist in half precision alone so far. */
  readonly #onlyHalf = new Set<string>();
  /** Constants of this graph that are stored in half precision, and their names there. */
  readonly #stored = new Map<string, string>();

  constructor(plan: GraphPlan, writing: HalfWriting) {
    this.#plan = plan;
    this.#writing = writing;
    writing.writers.set(plan.scope, this);
  }

  /** The new graph. */
  write(): GraphProto {
    const { scope } = this.#plan;
    const { graph, nodes } = scope;
    for (const node of graph.node) this.#writeNode(node);
    for (const { name } of graph.output) this.#asFloat(name);
    const made = new Set(nodes.flatMap(({ output }) => output));
    const pruned = pruneUnused(
      copyMessage(graph, {
        node: nodes,
        initializer: [...graph.initializer, ...scope.added],
        valueInfo: graph.valueInfo.filter(({ name }) => made.has(name)),
      }),
    );
    return this.#storedOnce(pruned);
  }

  #writeNode(node: NodeProto): void {
    const { scope, nodes, nested, ranges } = this.#plan;
    const plan = nodes.get(node);
    if (subgraphsOf(node).length > 0) {
      const current = mapSubgraphs(node, (inner) => {
        const body = nested.get(inner);
        return body === undefined ? inner : new HalfWriter(body, this.#writing).write();
      });
      for (const name of valuesRead(current)) this.#asFloat(name);
      scope.nodes.push(current);
      return;
    }
    for (const name of this.#writing.weightsOnly ? [] : (plan?.unfit ?? [])) {
      const { format } = this.#writing.store;
      this.#writing.notes.add(`${name}: ${format} does not hold its numbers: ${nodeTitle(node)} stays in float32`);
    }
    if (plan !== undefined && plan.halved.size > 0 && !this.#writing.weightsOnly) {
      this.#computeInHalf(node, plan);
      return;
    }
    const weights = this.#writing.weightsOnly
      ? !QUANTIZED.test(node.opType) && !CARRIERS.has(node.opType)
      : plan?.forRange === true && PRODUCTS.has(node.opType);
    const countsOnly = !PRODUCTS.has(node.opType) && node.input.some((name) => ranges.get(name) === 'wide');
    for (const name of valuesRead(node)) this.#asFloat(name);
    const input = weights && !countsOnly ? this.#storedInputs(node) : node.input;
    scope.nodes.push(input === node.input ? node : copyMessage(node, { input }));
  }

  #computeInHalf(original: NodeProto, plan: NodePlan): void {
    const node = isOp(original, 'CastLike') ? asCast(original) : original;
    const { types, scope } = this.#plan;
    const { sets, names } = this.#writing;
    const signature = signatureOf(node, sets);
    const read = new ValueTypes();
    const input = node.input.map((name, index) => {
      const dtype = types.get(name);
      const parameter = signature === undefined ? '?' : inputParameter(signature, index);
      const halved = name !== '' && dtype === 'float32' && plan.halved.has(parameter);
      const current = halved ? this.#asHalf(name, node) : name;
      if (!halved) this.#asFloat(name);
      const now: Dtype | undefined = halved ? 'float16' : dtype;
      if (now !== undefined) read.set(current, now);
      return current;
    });
    const attribute = node.attribute.map((one) =>
      isOp(node, 'Cast') && one.name === 'to' ? copyMessage(one, { i: BigInt(DTYPE_CODE.float16) }) : one,
    );
    const changed = copyMessage(node, { input, attribute });
    changed.output = node.output.map((name, index) => {
      const becomes = name !== '' && types.get(name) === 'float32' ? outputType(changed, index, read, sets) : undefined;
      if (becomes !== 'float16') return name;
      const half = names.value(`${name}_float16`);
      this.#halves.set(name, half);
      this.#onlyHalf.add(name);
      return half;
    });
    scope.nodes.push(changed);
  }

  /** The name of a value in half precision: a constant that is stored so, or a `Cast`. */
  #asHalf(name: string, node: NodeProto): string {
    const owner = this.#ownerOf(name);
    const known = owner.#halves.get(name);
    if (known !== undefined) return known;
    const { names, store } = this.#writing;
    const { scope, ranges } = owner.#plan;
    const half = names.value(`${name}_${store.format}`);
    owner.#halves.set(name, half);
    const carrier = scope.producerOf(name);
    const stored = ranges.has(name) ? undefined : storedConstant(name, scope);
    const constant = stored === undefined || !isFloat32(stored) ? undefined : stored;
    if (constant !== undefined && carrier !== undefined && CARRIERS.has(carrier.opType)) {
      const [first = '', ...rest] = carrier.input;
      scope.nodes.push(copyMessage(carrier, { input: [owner.#asHalf(first, node), ...rest], output: [half] }));
    } else if (constant === undefined) {
      scope.nodes.push(makeNode('Cast', [name], [half], { attributes: { to: DTYPE_CODE[store.format] } }));
    } else {
      owner.#storeHalf(name, half, node);
    }
    return half;
  }

  #storeHalf(name: string, half: string, node: NodeProto): void {
    const { scope } = this.#plan;
    const { store, compressed, notes } = this.#writing;
    const constant = scope.constantOf(name);
    if (constant === undefined) return;
    const { codes, clipped, signalToErrorDb } = store.of(constant.tensor);
    if (clipped > 0) notes.add(`${name}: ${clipped} values beyond ±65,504 were clipped`);
    const tensor = makeTensor(half, store.format, shapeOf(constant.tensor), codes);
    scope.added.push(tensor);
    this.#stored.set(name, half);
    if (codes.length > 1) compressed.push(compressedWeight(constant, node, [tensor], 'tensor', signalToErrorDb));
  }

  /** Sees to it that a value is there in float32. */
  #asFloat(name: string): void {
    const owner = this.#ownerOf(name);
    if (!owner.#onlyHalf.delete(name)) return;
    const half = owner.#halves.get(name) ?? '';
    owner.#plan.scope.nodes.push(makeNode('Cast', [half], [name], { attributes: { to: DTYPE_CODE.float32 } }));
  }

  /** A node's inputs, its weights from where they are stored in half precision. */
  #storedInputs(node: NodeProto): string[] {
    const { scope, ranges } = this.#plan;
    const { sets, store, names } = this.#writing;
    const signature = signatureOf(node, sets);
    return node.input.map((name, index) => {
      // An input of one type alone is a setting, such as the scales of Resize; a parameter's is data.
      const data = signature?.parameters.has(inputParameter(signature, index)) ?? false;
      const tensor = name === '' || !data || ranges.has(name) ? undefined : storedConstant(name, scope);
      if (tensor === undefined || !isFloat32(tensor) || elementCount(tensor) <= 1) return name;
      // An outer product only writes numbers beside each other, such as angles: each keeps its digits.
      const outer = isOp(node, 'MatMul') && tensor.dims.slice(-2).some((dim) => dim === 1n);
      if (outer && !this.#writing.weightsOnly) return name;
      if (!store.of(tensor).fits) {
        this.#writing.notes.add(`${name}: ${store.format} does not hold its numbers: it stays float32`);
        return name;
      }
      const owner = this.#ownerOf(name);
      const known = owner.#backs.get(name);
      if (known !== undefined) return known;
      const half = this.#asHalf(name, node);
      const back = names.value(`${name}_float32`);
      owner.#plan.scope.nodes.push(makeNode('Cast', [half], [back], { attributes: { to: DTYPE_CODE.float32 } }));
      owner.#backs.set(name, back);
      return back;
    });
  }

  /** Where a constant that is stored in half precision is read in float32, too, it is cast instead of stored twice. */
  #storedOnce(graph: GraphProto): GraphProto {
    const read = new Set(graph.output.map(({ name }) => name));
    for (const node of graph.node) for (const name of valuesRead(node)) read.add(name);
    const initializers = new Map(graph.initializer.map((tensor) => [tensor.name, tensor]));
    const casts: NodeProto[] = [];
    const replaced = new Set<string>();
    for (const [name, half] of this.#stored) {
      const tensor = initializers.get(half);
      if (!read.has(name) || tensor === undefined || elementCount(tensor) <= 1) continue;
      if (!initializers.has(name)) continue;
      casts.push(makeNode('Cast', [half], [name], { attributes: { to: DTYPE_CODE.float32 } }));
      replaced.add(name);
    }
    return copyMessage(graph, {
      node: [...casts, ...graph.node],
      initializer: graph.initializer.filter(({ name }) => !replaced.has(name)),
      input: graph.input.filter(({ name }) => !replaced.has(name)),
    });
  }

  #ownerOf(name: string): HalfWriter {
    const owner = this.#plan.scope.ownerOf(name);
    return (owner && this.#writing.writers.get(owner)) ?? this;
  }
}

/** A `CastLike` to float32 as a `Cast`: ONNX Runtime refuses its own form of one between values of half precision. */
function asCast(node: NodeProto): NodeProto {
  const attributes = { to: DTYPE_CODE.float32 };
  return makeNode('Cast', node.input.slice(0, 1), node.output, { name: node.name, attributes });
}

import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { attributeOf, intAttribute, isOp } from '../../onnx/graph/node.js';
import { subgraphsOf } from '../../onnx/graph/subgraphs.js';
import { DTYPE_CODE, type Dtype } from '../../onnx/tensor/dtype.js';
import { inputParameter, mayBe, type OperatorSets, outputParameters, signatureOf } from '../../onnx/types/signature.js';
import { bodyInputTypes, type ValueTypes, valueTypes } from '../../onnx/types/valueTypes.js';
import { Scope } from '../rewrite/scope.js';
import { outputRange, type Range } from './halfRange.js';
import { type HalfStore, isFloat32 } from './halfStore.js';

/** What was decided about one node. */
export interface NodePlan {
  /** Type parameters of its operator that become half precision; none for a node that stays in float32. */
  readonly halved: ReadonlySet<string>;
  /** Whether only the range of its numbers keeps it in float32. */
  readonly forRange: boolean;
  /** Constants that keep it in float32: half precision does not hold them. */
  readonly unfit: readonly string[];
}

/** What was decided about a graph. */
export interface GraphPlan {
  readonly scope: Scope;
  readonly types: ValueTypes;
  /** Ranges of the float32 values that are computed from more than constants, those of the graphs around included. */
  readonly ranges: ReadonlyMap<string, Range>;
  readonly nodes: ReadonlyMap<NodeProto, NodePlan>;
  /** Plans of the graphs in its nodes; none for a node that is left alone. */
  readonly nested: ReadonlyMap<GraphProto, GraphPlan>;
}

/** What decides. */
export interface HalfRules {
  readonly sets: OperatorSets;
  readonly store: HalfStore;
  /** Whether somebody wants a node in float32. */
  readonly blocked: (node: NodeProto) => boolean;
}

/** Types and ranges of the inputs of a body. */
interface Given {
  readonly types: readonly (Dtype | undefined)[];
  readonly ranges: readonly (Range | undefined)[];
}

interface OpenPlan extends GraphPlan {
  readonly ranges: Map<string, Range>;
  readonly nodes: Map<NodeProto, NodePlan>;
  readonly nested: Map<GraphProto, GraphPlan>;
}

/** Operators that hand a constant on unchanged in value: in half precision they read the constant that is stored so. */
export const CARRIERS: ReadonlySet<string> = new Set([
  ...['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'],
]);

/** A hostile file may hand a value on in a circle. */
const MOST_CARRIERS = 200;

/** Operators that only look at the shape of what they read. */
const SHAPE_READERS: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** Operators whose constants are bounds: beyond the range of half precision they bound nothing. */
const BOUNDING: ReadonlySet<string> = new Set(['Clip', 'Max', 'Min']);

/**
 * Decides which nodes compute in half precision: those whose definition allows it for what they read, and whose numbers
 * have a range that it holds.
 *
 * @param around - the plan so far of the graph around it
 * @param given - of the inputs of a body
 */
export function planHalf(graph: GraphProto, rules: HalfRules, around?: GraphPlan, given?: Given): GraphPlan {
  const plan: OpenPlan = {
    scope: new Scope(graph, around?.scope ?? null),
    types: valueTypes(graph, rules.sets, around?.types, given?.types),
    ranges: new Map(around?.ranges),
    nodes: new Map(),
    nested: new Map(),
  };
  const weights = new Set(graph.initializer.map(({ name }) => name));
  for (const [index, { name }] of graph.input.entries()) {
    const range = given === undefined ? 'regular' : given.ranges[index];
    if (plan.types.get(name) === 'float32' && range !== undefined && !weights.has(name)) plan.ranges.set(name, range);
  }
  for (const node of graph.node) {
    if (subgraphsOf(node).length > 0) planNested(node, rules, plan);
    else planNode(node, rules, plan);
  }
  return plan;
}

function planNode(node: NodeProto, rules: HalfRules, plan: OpenPlan): void {
  const { types, scope } = plan;
  const parameters = halvable(node, rules, plan);
  const unfit = unfitConstants(node, parameters, rules.store, plan);
  const ranges = node.input.map((name) => plan.ranges.get(name));
  const constant = node.input.every((name) => name === '' || scope.constantOf(name) !== undefined);
  const read = { node, types: node.input.map((name) => types.get(name)), ranges, constant, unfit: unfit.length > 0 };
  // A constant that is only handed on is the reader's constant, and judged there.
  const range = constant && CARRIERS.has(node.opType) ? undefined : outputRange(read);
  const floats = node.output.filter((name) => types.get(name) === 'float32');
  if (range !== undefined) for (const name of floats) plan.ranges.set(name, range);
  const wide = range === 'wide' || ranges.includes('wide') || unfit.length > 0;
  const possible = parameters.size > 0 && range !== undefined && !rules.blocked(node);
  const useful = floats.length > 0 || SHAPE_READERS.has(node.opType);
  plan.nodes.set(node, {
    halved: possible && useful && !wide ? parameters : new Set(),
    forRange: possible && wide,
    unfit: possible ? unfit : [],
  });
}

/**
 * The type parameters of a node's operator that may become half precision: those that stand for float32 now, for all that
 * they type. Parameters whose inputs are wide, or typed by nothing known, are not among them.
 */
function halvable(node: NodeProto, rules: HalfRules, plan: OpenPlan): Set<string> {
  const standard = node.domain === '' || node.domain === 'ai.onnx';
  const signature = signatureOf(node, rules.sets);
  // What reads integers through DequantizeLinear computes in them: the runtime makes one operator of both.
  const quantized = node.input.some(
    (name) => plan.scope.ownerOf(name)?.producerOf(name)?.opType === 'DequantizeLinear',
  );
  if (!standard || signature === undefined || quantized || readsSparse(node, plan.scope)) return new Set();
  if (isOp(node, 'Cast')) {
    return new Set(intAttribute(node, 'to', 0) === DTYPE_CODE.float32 ? signature.parameters.keys() : []);
  }
  const types = new Map<string, Set<Dtype | undefined>>();
  const note = (parameter: string, name: string): void => {
    const all = types.get(parameter) ?? new Set();
    types.set(parameter, all.add(plan.types.get(name)));
  };
  for (const [index, name] of node.input.entries()) if (name !== '') note(inputParameter(signature, index), name);
  for (const [index, name] of node.output.entries()) {
    if (name !== '') note(outputParameters(signature, index)[0] ?? '?', name);
  }
  const halved = new Set<string>();
  for (const [parameter, all] of types) {
    const float = all.size === 1 && all.has('float32');
    if (float && mayBe(signature, parameter, rules.store.format)) halved.add(parameter);
    // A value tied to nothing, of float32 or unknown, may have to be of the same type as another one.
    if (parameter === '?' && (all.has('float32') || all.has(undefined))) return new Set();
  }
  return halved;
}

/** Whether a node reads a sparse weight: there is no `Cast` of these. */
function readsSparse(node: NodeProto, scope: Scope): boolean {
  for (let around: Scope | null = scope; around !== null; around = around.parent) {
    if (around.graph.sparseInitializer.some(({ values }) => node.input.includes(values?.name ?? '?'))) return true;
  }
  return false;
}

/** The constants that a node would read in half precision and that this does not hold. */
function unfitConstants(
  node: NodeProto,
  parameters: ReadonlySet<string>,
  store: HalfStore,
  plan: OpenPlan,
): readonly string[] {
  const fill = isOp(node, 'ConstantOfShape') ? attributeOf(node, 'value')?.t : undefined;
  if (fill !== undefined && isFloat32(fill) && !store.of(fill).fits) return [node.output[0] ?? ''];
  if (parameters.size === 0) return [];
  const unfit = new Set<string>();
  for (const name of node.input) {
    if (name === '' || plan.types.get(name) !== 'float32' || plan.ranges.has(name)) continue;
    const tensor = storedConstant(name, plan.scope);
    if (tensor === undefined || !isFloat32(tensor)) continue;
    const half = store.of(tensor);
    if (!half.fits && !(BOUNDING.has(node.opType) && half.clipped > 0)) unfit.add(name);
  }
  return [...unfit];
}

/** The constant behind a value; behind carriers that which is stored. */
export function storedConstant(name: string, scope: Scope): TensorProto | undefined {
  let [value, owner] = [name, scope.ownerOf(name)];
  for (let carriers = 0; carriers < MOST_CARRIERS; carriers++) {
    const producer = owner?.producerOf(value);
    if (producer === undefined || !CARRIERS.has(producer.opType)) return owner?.constantOf(value)?.tensor;
    value = producer.input[0] ?? '';
    owner = owner?.ownerOf(value);
  }
  return undefined;
}

function planNested(node: NodeProto, rules: HalfRules, plan: OpenPlan): void {
  const standard = node.domain === '' || node.domain === 'ai.onnx';
  const left = !standard || rules.blocked(node);
  plan.nodes.set(node, { halved: new Set(), forRange: false, unfit: [] });
  const made: (Range | undefined)[] = node.output.map(() => undefined);
  for (const graph of subgraphsOf(node)) {
    const body = planBody(graph, node, rules, plan);
    if (!left) plan.nested.set(graph, body);
    const first = node.opType === 'Loop' ? 1 : 0;
    const inputs = carriedInputs(node).map((name) => plan.ranges.get(name));
    for (const index of made.keys()) {
      const range = body.ranges.get(graph.output[first + index]?.name ?? '');
      made[index] = wider(made[index], wider(range, inputs[index]));
    }
  }
  for (const [index, name] of node.output.entries()) {
    // What the bodies hand on from constants alone is still chosen by what runs: regular.
    if (name !== '' && plan.types.get(name) === 'float32') plan.ranges.set(name, made[index] ?? 'regular');
  }
}

/** Plans a body again until what it hands to its next run has the range with which it was planned. */
function planBody(graph: GraphProto, node: NodeProto, rules: HalfRules, plan: OpenPlan): GraphPlan {
  const carried = carriedInputs(node);
  const [firstIn, firstOut] = node.opType === 'Loop' ? [2, 1] : [0, 0];
  const types = bodyInputTypes(node, plan.types);
  const read = node.opType === 'Scan' ? node.input : ['', '', ...node.input.slice(2)];
  const sequences = node.opType === 'SequenceMap';
  const ranges = graph.input.map((_, index) => (sequences ? 'regular' : plan.ranges.get(read[index] ?? '')));
  for (;;) {
    const body = planHalf(graph, rules, plan, { types, ranges });
    let changed = false;
    for (const index of carried.keys()) {
      const now = wider(ranges[firstIn + index], body.ranges.get(graph.output[firstOut + index]?.name ?? ''));
      if (now === ranges[firstIn + index]) continue;
      ranges[firstIn + index] = now;
      changed = true;
    }
    if (!changed) return body;
  }
}

/** Inputs of a `Loop` or `Scan` that begin what its body hands from run to run. */
function carriedInputs(node: NodeProto): readonly string[] {
  if (node.opType === 'Loop') return node.input.slice(2);
  if (node.opType !== 'Scan') return [];
  return node.input.slice(0, node.input.length - intAttribute(node, 'num_scan_inputs', 0));
}

function wider(a: Range | undefined, b: Range | undefined): Range | undefined {
  return a === 'wide' || b === 'wide' ? 'wide' : (a ?? b);
}

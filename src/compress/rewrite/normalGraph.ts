import type { GraphProto, NodeProto, OperatorSetIdProto } from 'onnx-buf';
import { copyMessage } from '../../onnx/graph/copy.js';
import { consumersOf, producersOf } from '../../onnx/graph/graph.js';
import { raiseToOpset11 } from '../../onnx/graph/raiseOpset.js';
import { ranksOf } from '../../onnx/graph/ranks.js';
import { modelNodes } from '../../onnx/graph/subgraphs.js';
import { mainGraph, type OnnxModel, opsetVersion } from '../../onnx/model.js';
import {
  describeSimplification,
  keepsNormalForm,
  NOTHING_SIMPLIFIED,
  simplifyModel,
  withoutStaleTypes,
} from '../../onnx/normalForm/simplify.js';
import { type OperatorSets, operatorSetsOf } from '../../onnx/types/signature.js';
import { type ValueTypes, valueTypes } from '../../onnx/types/valueTypes.js';
import { type Constant, Scope } from './scope.js';

/**
 * A model in normal form ({@link simplifyModel}), and what passes ask about its main graph. It enters a recipe by
 * {@link NormalGraph.enter}, once, and each pass hands the next one what it made.
 *
 * Nothing in it is changed: a pass makes new messages.
 */
export class NormalGraph {
  #users: ReadonlyMap<string, readonly NodeProto[]> | undefined;
  #makers: ReadonlyMap<string, NodeProto> | undefined;
  #types: ValueTypes | undefined;
  #ranks: ReadonlyMap<string, number> | undefined;
  #constants: Scope | undefined;

  private constructor(
    /** The model in normal form. */
    readonly model: OnnxModel,
    /** The model that entered, or that the pass before made: what comes back where a pass leaves all as it is. */
    readonly original: OnnxModel,
    /** Names that options may name: of the nodes that entered, of what their functions do, and of what passes made. */
    readonly nodeNames: ReadonlySet<string>,
    /** What was done to the model by the door itself, for the report of the pass that is next. */
    readonly notes: readonly string[],
  ) {
    keepsNormalForm(model);
  }

  /**
   * The one door by which a model enters.
   *
   * @throws {InputError} when the model has no normal form
   */
  static enter(original: OnnxModel): NormalGraph {
    const { model, report } = simplifyModel(original);
    const { inlinedCalls, leftFunctions, sorted } = report;
    // What only tidies up is nothing that a reader of the report asks for.
    const notes = describeSimplification({ ...NOTHING_SIMPLIFIED, inlinedCalls, leftFunctions, sorted });
    return new NormalGraph(model, original, new Set([...namesIn(original), ...namesIn(model)]), notes);
  }

  /** The same with other messages, as part of one pass: what its options named before, they may name still. */
  with(changes: { readonly graph: GraphProto; readonly opsetImport?: OperatorSetIdProto[] }): NormalGraph {
    const proto = copyMessage(this.model.proto, changes);
    return this.withModel({ proto, path: this.model.path });
  }

  /** The same with another model in normal form, as part of one pass. */
  withModel(model: OnnxModel): NormalGraph {
    return model === this.model ? this : new NormalGraph(model, this.original, this.nodeNames, this.notes);
  }

  /** The same with something to be said in the report. */
  noting(notes: readonly string[]): NormalGraph {
    return new NormalGraph(this.model, this.original, this.nodeNames, [...this.notes, ...notes]);
  }

  /** The same, whose later options may name nodes, too, that a pass was asked to make and had no reason to. */
  allowing(names: readonly string[]): NormalGraph {
    return new NormalGraph(this.model, this.original, new Set([...this.nodeNames, ...names]), this.notes);
  }

  /** What the next pass is given of what this pass made. */
  handedOn(): NormalGraph {
    const { model } = this.with({ graph: withoutStaleTypes(this.graph) });
    return new NormalGraph(model, model, new Set([...this.nodeNames, ...namesIn(model)]), []);
  }

  /**
   * The same in an operator set that has quantization at run time; itself where it has.
   *
   * @throws {InputError} when the operator set cannot be raised
   */
  inOpset11(): NormalGraph {
    if (this.opset >= 11) return this;
    return this.withModel(raiseToOpset11(this.model)).noting([`operator set ${this.opset} was raised to 11`]);
  }

  /** The main graph. */
  get graph(): GraphProto {
    return mainGraph(this.model);
  }

  /** Version of ONNX's own operator set. */
  get opset(): number {
    return opsetVersion(this.model);
  }

  /** Versions of all operator sets. */
  get sets(): OperatorSets {
    return operatorSetsOf(this.model.proto);
  }

  /** The nodes that read each value. */
  get users(): ReadonlyMap<string, readonly NodeProto[]> {
    this.#users ??= consumersOf(this.graph);
    return this.#users;
  }

  /** The node that makes each value. */
  get makers(): ReadonlyMap<string, NodeProto> {
    this.#makers ??= producersOf(this.graph);
    return this.#makers;
  }

  /** The type of each value, as far as it is known. */
  get types(): ValueTypes {
    this.#types ??= valueTypes(this.graph, this.sets);
    return this.#types;
  }

  /** How many axes each value has, as far as it is known. */
  get ranks(): ReadonlyMap<string, number> {
    this.#ranks ??= ranksOf(this.graph);
    return this.#ranks;
  }

  /** Whether a value is an output of the model. */
  isOutput(name: string): boolean {
    return this.graph.output.some((output) => output.name === name);
  }

  /** The constants, to be read. */
  get constants(): Scope {
    this.#constants ??= new Scope(this.graph, null);
    return this.#constants;
  }

  /** The constant behind a value: an initializer, or what comes of constants alone. */
  constantOf(name: string): Constant | undefined {
    return this.constants.constantOf(name);
  }
}

function namesIn(model: OnnxModel): string[] {
  return Array.from(modelNodes(model.proto), ({ name }) => name);
}

import type { GraphProto, NodeProto, TensorProto } from 'onnx-buf';
import { isOp } from '../../onnx/graph/node.js';
import { nestedGraphs } from '../../onnx/graph/subgraphs.js';
import { elementCount, storedSizeBytes } from '../../onnx/tensor/tensor.js';
import type { CompressedWeight } from './report.js';

/** Operators that hand a weight on in another form. */
const MOVERS = ['Identity', 'Transpose', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Slice', 'Concat', 'Flatten'];

/** A matrix that is stored the other way round than it is read, or not. */
export interface StoredOnce {
  readonly name: string;
  readonly turned: boolean;
}

/**
 * What is known of weights that several nodes read in different ways: an embedding picked from by `Gather` that is,
 * transposed, the matrix of the last product. Each such weight is stored once.
 *
 * Names are those of a model in normal form, where each value has its own.
 */
export class SharedWeights {
  readonly #stored = new Map<string, TensorProto>();
  readonly #makers = new Map<string, NodeProto>();
  /** Weights that all their readers are to read in one form. */
  readonly #once = new Set<string>();
  /** Weights that stay in float, since one of their readers does. */
  readonly #left = new Set<string>();

  /** @param graph - the main graph */
  constructor(graph: GraphProto) {
    for (const { initializer, node } of nestedGraphs(graph)) {
      for (const tensor of initializer) this.#stored.set(tensor.name, tensor);
      for (const one of node) for (const name of one.output) this.#makers.set(name, one);
    }
  }

  /** The stored matrix behind a value, where all its readers are to read one form of it. */
  storedOnce(value: string): StoredOnce | undefined {
    let [name, turned] = [value, false];
    for (;;) {
      if (this.#once.has(name)) return { name, turned };
      const maker = this.#makers.get(name);
      const source = maker?.input[0] ?? '';
      if (maker === undefined || this.#stored.get(source)?.dims.length !== 2 || !isOp(maker, 'Transpose'))
        return undefined;
      // A transpose of two axes either turns them or does nothing.
      turned = turned !== (maker.attribute[0]?.ints.map(Number).join() !== '0,1');
      name = source;
    }
  }

  /** Why a constant has to stay in float; `undefined` where it need not. */
  reasonToLeave(value: string): string | undefined {
    const weight = this.#rootsOf(value).find((name) => this.#left.has(name));
    return weight === undefined
      ? undefined
      : `its weight ${weight} is read in float, too: stored twice, the model would be larger`;
  }

  /**
   * Looks at what became of the weights, and decides anew about those that are stored more than once.
   *
   * @returns whether anything was decided: then the model is to be rewritten again
   */
  decide(compressed: readonly CompressedWeight[], result: GraphProto): boolean {
    const stored = new Set([...nestedGraphs(result)].flatMap(({ initializer }) => initializer.map(({ name }) => name)));
    const forms = new Map<string, { count: number; elements: number; bytes: number }>();
    const add = (root: string, elements: number, bytes: number): void => {
      const { count, elements: more, bytes: also } = forms.get(root) ?? { count: 0, elements: 0, bytes: 0 };
      forms.set(root, { count: count + 1, elements: more + elements, bytes: also + bytes });
    };
    for (const { name, from, to, shape, sizeBytesAfter } of compressed) {
      // What keeps its type (pruned weights) is changed where it stands.
      if (from === to) continue;
      const elements = shape.reduce((product, dim) => product * dim, 1);
      const roots = this.#rootsOf(name);
      for (const root of roots) add(root, Math.min(elements, this.#elements(root)), sizeBytesAfter / roots.length);
    }
    let decided = false;
    for (const [root, { count, elements, bytes }] of forms) {
      const tensor = this.#stored.get(root);
      if (tensor === undefined) continue;
      const inFloat = stored.has(root);
      const whole = elementCount(tensor);
      if ((inFloat ? 1 : 0) + count < 2 || elements + (inFloat ? whole : 0) <= whole) continue;
      const larger = bytes + (inFloat ? storedSizeBytes(tensor) : 0) > storedSizeBytes(tensor);
      if (!this.#once.has(root)) this.#once.add(root);
      else if (larger && !this.#left.has(root)) this.#left.add(root);
      else continue;
      decided = true;
    }
    return decided;
  }

  #elements(name: string): number {
    const tensor = this.#stored.get(name);
    return tensor === undefined ? 0 : elementCount(tensor);
  }

  /** The stored weights that a value is made of. */
  #rootsOf(value: string): string[] {
    const roots = new Set<string>();
    const seen = new Set([value]);
    for (const name of seen) {
      const maker = this.#makers.get(name);
      if (this.#stored.has(name)) roots.add(name);
      else if (maker !== undefined && MOVERS.some((opType) => isOp(maker, opType))) {
        for (const source of isOp(maker, 'Concat') ? maker.input : maker.input.slice(0, 1)) seen.add(source);
      }
    }
    return [...roots];
  }
}

import { InputError, type QuantlabError, UnavailableError } from '../../errors.js';
import type { InferenceSession, Tensor } from '../../runtime.js';

/** An input or output of a graph, as the runtime knows it before anything has run. */
export interface GraphValue {
  readonly name: string;
  /** ONNX Runtime's name of the element type, `float32`; what is no tensor is `other`. */
  readonly type: string;
  /** Sizes of the axes, or their names; an axis without a name is an empty string. Empty where the graph says nothing. */
  readonly shape: readonly (number | string)[];
}

/** A graph that is loaded: what it reads and gives, by the file that it came from. */
export interface LoadedGraph {
  /** Begins every error. */
  readonly path: string;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

/**
 * Checks that a graph has values of given names.
 *
 * @throws {InputError} when one is missing
 */
export function requireNames(path: string, what: string, has: readonly GraphValue[], needs: readonly string[]): void {
  const names = has.map(({ name }) => name);
  const missing = needs.filter((name) => !names.includes(name));
  if (missing.length === 0) return;
  throw new InputError(
    `${path}: ${what} named ${missing.join(' and ')} were required, got ${names.join(', ')}; mend the tensors of the card`,
  );
}

/** A model in ONNX Runtime. Whatever the runtime refuses is an error that names the file. */
export class ModelSession implements LoadedGraph {
  readonly path: string;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  readonly #session: InferenceSession;

  /**
   * @param session - as the runtime made it
   * @param path - the model's file
   */
  constructor(session: InferenceSession, path: string) {
    this.#session = session;
    this.path = path;
    this.inputs = session.inputMetadata.map(graphValue);
    this.outputs = session.outputMetadata.map(graphValue);
  }

  /**
   * Runs the graph once.
   *
   * @param feeds - a tensor for each input
   * @param outputs - names of the outputs to compute. Default: all
   * @throws {InputError} when the runtime refuses the inputs, or a node fails
   * @throws {UnavailableError} when memory does not suffice, or the device fails
   */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    outputs?: readonly string[],
  ): Promise<Readonly<Record<string, Tensor | undefined>>> {
    try {
      return await (outputs === undefined ? this.#session.run(feeds) : this.#session.run(feeds, outputs));
    } catch (error) {
      throw runError(this.path, error);
    }
  }

  /** Ends the profile, and writes its file. */
  endProfiling(): void {
    this.#session.endProfiling();
  }

  /** Frees what the runtime holds. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

function graphValue(value: InferenceSession.ValueMetadata): GraphValue {
  return value.isTensor
    ? { name: value.name, type: value.type, shape: value.shape }
    : { name: value.name, type: 'other', shape: [] };
}

const LONGEST_MESSAGE = 300;

/**
 * What ONNX Runtime said, in one line and without the places in its sources.
 *
 * @param error - that it threw
 */
export function runtimeMessage(error: unknown): string {
  return String((error as Error).message)
    .trim()
    .replace(/^OrtSessionOptions\w+: /, '')
    .replace(/\/\S+\.(?:cc|h|cpp):\d+ .*?(?=Failed|Error|error|CUDA)/, '')
    .replace(/\/\S+\.(?:cc|h|cpp):\d+ /g, '')
    .replace(/ Please fix either the inputs\/outputs or the model\./, '')
    .replace(/\s+/g, ' ')
    .slice(0, LONGEST_MESSAGE);
}

/** The error of a run that the runtime broke off. */
function runError(path: string, error: unknown): QuantlabError {
  const message = runtimeMessage(error);
  const cause = { cause: error };
  if (/allocate memory|bad_alloc|out of memory|invalid typed array length/i.test(message)) {
    return new UnavailableError(
      `${path}: memory for one run was required, got none (${message}); hear shorter recordings or fewer at a time`,
      cause,
    );
  }
  if (/CUDA (failure|error)|device (is )?lost/i.test(message)) {
    return new UnavailableError(
      `${path}: a device that runs the graph was required, got: ${message}; run on cpu instead`,
      cause,
    );
  }
  return new InputError(
    `${path}: a graph that runs on these inputs was required, got: ${message}; mend the tensors and the front end of its card, or the graph`,
    cause,
  );
}

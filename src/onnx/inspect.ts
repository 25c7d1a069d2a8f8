import type { ValueInfoProto } from 'onnx-buf';
import { InputError } from '../errors.js';
import { sha256OfBytes } from '../files.js';
import { modelFileSize } from './file/modelFileSize.js';
import { readModel } from './file/read.js';
import { type StoredWeight, storedWeights } from './file/storedWeights.js';
import { modelNodes } from './graph/subgraphs.js';
import { mainGraph, type OnnxModel, opsetVersion } from './model.js';
import { type Dtype, dtypeOf } from './tensor/dtype.js';
import { shapeOf, storedSizeBytes, tensorBytes, tensorDtype } from './tensor/tensor.js';

/** An input or output of a model. */
export interface ValueSummary {
  readonly name: string;
  readonly dtype: Dtype;
  /** A number, the name of a dimension that varies, or `null` for one without a name; `null` for an unknown rank. */
  readonly shape: readonly (number | string | null)[] | null;
}

/** A stored weight. */
export interface InitializerSummary {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  /** SHA-256 of the little-endian bytes; `null` where it was not asked for. */
  readonly sha256: string | null;
}

/** What a model is made of. */
export interface ModelSummary {
  /** Size of the `.onnx` file and of what it reads of external files. */
  readonly sizeBytes: number;
  readonly opset: number;
  /** How often each operator occurs, nested graphs and functions counted too; other domains as `domain.Op`. */
  readonly operators: Readonly<Record<string, number>>;
  readonly inputs: readonly ValueSummary[];
  readonly outputs: readonly ValueSummary[];
  /** Every weight that is stored: initializers and `Constant` nodes, those of nested graphs and functions, too; of sparse ones what is stored. */
  readonly initializers: readonly InitializerSummary[];
}

/**
 * Lists what an ONNX file holds.
 *
 * @param path - the file
 * @param options - `hash`: compute the SHA-256 of each weight, which reads all of them. Default false.
 * @throws {InputError} when the file is missing, damaged or no ONNX model
 * @example (await inspectModel('model.onnx')).operators // { Conv: 2, LSTM: 3, … }
 */
export async function inspectModel(path: string, options: { readonly hash?: boolean } = {}): Promise<ModelSummary> {
  const model = await readModel(path);
  return summarizeModel(model, await modelFileSize(model), options.hash === true);
}

/**
 * {@link inspectModel} for a model that is open already.
 *
 * @param sizeBytes - see {@link modelFileSize}
 */
export function summarizeModel(model: OnnxModel, sizeBytes: number, hash: boolean): ModelSummary {
  const graph = mainGraph(model);
  const counts = new Map<string, number>();
  for (const node of modelNodes(model.proto)) {
    const own = node.domain === '' || node.domain === 'ai.onnx';
    const name = own ? node.opType : `${node.domain}.${node.opType}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const weights = new Set(graph.initializer.map((tensor) => tensor.name));
  const initializers = Array.from(storedWeights(model.proto), (weight): InitializerSummary => {
    try {
      return summarizeWeight(weight, hash);
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`${model.path}: ${error.message}`, { cause: error });
      throw error;
    }
  });
  return {
    sizeBytes,
    opset: opsetVersion(model),
    operators: Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    inputs: graph.input.filter((value) => !weights.has(value.name)).map(summarizeValue),
    outputs: graph.output.map(summarizeValue),
    initializers,
  };
}

function summarizeWeight({ name, tensor, indices, dims }: StoredWeight, hash: boolean): InitializerSummary {
  const bytes = hash ? tensorBytes(tensor) : undefined;
  return {
    name,
    dtype: tensorDtype(tensor),
    shape: dims?.map(Number) ?? shapeOf(tensor),
    sizeBytes: storedSizeBytes(tensor) + (indices === undefined ? 0 : storedSizeBytes(indices)),
    sha256: bytes === undefined ? null : sha256OfBytes(bytes),
  };
}

function summarizeValue(value: ValueInfoProto): ValueSummary {
  const type = value.type?.value;
  if (type?.case !== 'tensorType') return { name: value.name, dtype: 'undefined', shape: null };
  const { elemType, shape } = type.value;
  return {
    name: value.name,
    dtype: dtypeOf(elemType) ?? 'undefined',
    shape:
      shape?.dim.map(({ value: dim }) => {
        if (dim.case === 'dimValue') return Number(dim.value);
        return dim.case === 'dimParam' && dim.value !== '' ? dim.value : null;
      }) ?? null,
  };
}

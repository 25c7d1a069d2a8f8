import { create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema, type TensorProto, TensorProto_DataLocation } from 'onnx-buf';
import { copyMessage } from '../graph/copy.js';
import { modelTensors, nestedGraphs } from '../graph/subgraphs.js';
import { mainGraph, type OnnxModel } from '../model.js';
import { mapModelTensors } from '../tensor/mapTensors.js';
import { storedSizeBytes, tensorBytes } from '../tensor/tensor.js';
import { holdsCode } from './codedTensor.js';
import { bindSlice, sliceOf } from './payload.js';

/** Smaller tensors stay in the model's file even when the others move out of it. */
const SMALLEST_EXTERNAL_BYTES = 1024;

/** External tensors begin at multiples of this, so that they can be mapped into memory as they are. */
const ALIGNMENT_BYTES = 4096;

/** A tensor and where it will lie in the external file. */
export interface PlacedTensor {
  readonly tensor: TensorProto;
  readonly offset: number;
}

/** A model as it will be written: with all weights inside, or with the large ones in a second file. */
export interface PlacedModel {
  readonly model: OnnxModel;
  /** What goes to the second file, in order; empty when there is none. */
  readonly external: readonly PlacedTensor[];
}

/**
 * Decides where the weights of a model go: into its own file, wherever they came from, or, where that would pass the
 * limit of the format (2 GB), the large ones of all its graphs into a second file beside it.
 *
 * @param location - name of the second file
 * @param limitBytes - largest sum of weights in the model's own file
 */
export function placeTensors(model: OnnxModel, location: string, limitBytes: number): PlacedModel {
  let total = 0;
  for (const tensor of modelTensors(model.proto)) total += tensor.rawData.length || storedSizeBytes(tensor);
  const split = total > limitBytes;
  // The runtime reads what stands in attributes from the model's file alone.
  const movable = new Set(
    [...nestedGraphs(mainGraph(model))].flatMap((graph) => graph.initializer).filter((tensor) => !holdsCode(tensor)),
  );
  const external: PlacedTensor[] = [];
  let end = 0;
  const proto = mapModelTensors(model.proto, (tensor) => {
    if (split && movable.has(tensor) && storedSizeBytes(tensor) >= SMALLEST_EXTERNAL_BYTES) {
      const offset = Math.ceil(end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
      end = offset + storedSizeBytes(tensor);
      external.push({ tensor, offset });
      return outside(tensor, location, offset);
    }
    return isOutside(tensor) ? inside(tensor, split) : tensor;
  });
  return { model: { proto, path: model.path }, external };
}

function isOutside(tensor: TensorProto): boolean {
  return tensor.dataLocation === TensorProto_DataLocation.EXTERNAL;
}

/**
 * A tensor whose bytes will stand in the model's file, copied when their turn comes; at once where a second file is
 * written first, which may be the very one that they are in.
 */
function inside(tensor: TensorProto, now: boolean): TensorProto {
  const copy = copyMessage(tensor, { externalData: [] }, ['dataLocation']);
  const slice = sliceOf(tensor);
  if (!now && slice !== undefined) bindSlice(copy, { ...slice, internal: true });
  else copy.rawData = tensorBytes(tensor) as Uint8Array<ArrayBuffer>;
  return copy;
}

function outside(tensor: TensorProto, location: string, offset: number): TensorProto {
  const entries = { location, offset: String(offset), length: String(storedSizeBytes(tensor)) };
  const changes = {
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
  };
  return copyMessage(tensor, changes, ['rawData']);
}

/** The bytes of the second file, one weight after another. */
export function* externalChunks(external: readonly PlacedTensor[]): Generator<Uint8Array> {
  let end = 0;
  for (const { tensor, offset } of external) {
    if (offset > end) yield new Uint8Array(offset - end);
    const bytes = tensorBytes(tensor);
    yield bytes;
    end = offset + bytes.length;
  }
}

import type { TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { shapeOf, tensorFloats } from '../../onnx/tensor/tensor.js';
import type { Weights } from './weights.js';

/** The weights of safetensors files that `transformers` wrote. */
export class HuggingFaceWeights implements Weights {
  readonly path: string;
  readonly #arrays: ReadonlyMap<string, TensorProto>;

  constructor(path: string, arrays: ReadonlyMap<string, TensorProto>) {
    this.path = path;
    this.#arrays = arrays;
  }

  shapeOf(name: string): readonly number[] | undefined {
    const tensor = this.#find(name);
    return tensor && shapeOf(tensor);
  }

  floatsOf(name: string): Float32Array {
    const tensor = this.#find(name);
    if (tensor === undefined) {
      throw new InputError(`${this.path}: the array ${name} was required, got none; get the file again`);
    }
    return tensorFloats(tensor);
  }

  /** Saved with its head for tokens, the model is called `model`. */
  #find(name: string): TensorProto | undefined {
    return this.#arrays.get(`model.${name}`) ?? this.#arrays.get(name);
  }
}

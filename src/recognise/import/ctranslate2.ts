import type { TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import type { Dtype } from '../../onnx/tensor/dtype.js';
import { ArrayFile } from './storedArrays.js';

/** Codes of element types, in their order. */
const DTYPES: readonly Dtype[] = ['float32', 'int8', 'int16', 'int32', 'float16', 'bfloat16'];

/** The one version of the binary format that is written since CTranslate2 2.0. */
const VERSION = 6;

/** Arrays of more axes are none of a model's. */
const MOST_RANK = 8;

/** What a CTranslate2 model holds. */
export interface CTranslate2Model {
  /** What it is a model of: `WhisperSpec`. */
  readonly spec: string;
  /** By name; a second name of an array is an entry of its own. */
  readonly arrays: ReadonlyMap<string, TensorProto>;
}

/**
 * Finds the arrays of a CTranslate2 model (`model.bin`); their elements stay in the file.
 *
 * Source: CTranslate2's `Model::load` and `ModelSpec.save`, binary version 6, https://github.com/OpenNMT/CTranslate2.
 *
 * @throws {InputError} when the file is of another version, cut, or says what it does not hold
 */
export function readCTranslate2(path: string): CTranslate2Model {
  const file = new ArrayFile(path);
  const uint32 = (what: string): number => file.read(4, what).readUInt32LE();
  const text = (what: string): string => {
    const length = file.read(2, what).readUInt16LE();
    const bytes = file.read(length, what);
    if (bytes.at(-1) !== 0) throw file.damaged(`a closing 0 of ${what} was required, got none`);
    return bytes.toString('utf8', 0, length - 1);
  };
  try {
    const version = uint32('the version');
    if (version !== VERSION) {
      throw new InputError(
        `${path}: a CTranslate2 model of binary version ${VERSION} was required, got ${version}; convert the model again with a CTranslate2 of 2023 or later`,
      );
    }
    const spec = text('the name of the specification');
    uint32('the revision');
    const arrays = new Map<string, TensorProto>();
    for (let left = uint32('the number of arrays'); left > 0; left--) {
      const name = text('the name of an array');
      const rank = file.read(1, `rank of ${name}`).readUInt8();
      if (rank > MOST_RANK) throw file.damaged(`at most ${MOST_RANK} axes of ${name} were required, got ${rank}`);
      const shape = Array.from({ length: rank }, () => uint32(`shape of ${name}`));
      const dtype = DTYPES[file.read(1, `type of ${name}`).readUInt8()];
      if (dtype === undefined) throw file.damaged(`a known element type of ${name} was required, got another`);
      arrays.set(name, file.array(name, dtype, shape, uint32(`size of ${name}`)));
    }
    for (let left = uint32('the number of second names'); left > 0; left--) {
      const alias = text('a second name');
      const name = text('the name that it stands for');
      const array = arrays.get(name);
      if (array === undefined)
        throw file.damaged(`the array ${name}, that ${alias} stands for, was required, got none`);
      arrays.set(alias, array);
      // Second names are given before weights become integers: the scale keeps the first.
      const scale = arrays.get(`${name}_scale`);
      if (scale !== undefined) arrays.set(`${alias}_scale`, scale);
    }
    if (file.at !== file.sizeBytes) {
      throw file.damaged(`${file.at} bytes by its content were required, got ${file.sizeBytes}`);
    }
    return { spec, arrays };
  } finally {
    file.close();
  }
}

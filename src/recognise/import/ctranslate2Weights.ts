import type { TensorProto } from 'onnx-buf';
import { InputError } from '../../errors.js';
import { elementCount, shapeOf, tensorDtype, tensorFloats, tensorIntegers } from '../../onnx/tensor/tensor.js';
import type { Weights } from './weights.js';

/** Where a weight lies: an array, or one of the equal parts of its rows. */
interface Place {
  readonly name: string;
  readonly part?: number;
  readonly parts?: number;
}

/** What CTranslate2 calls the layers of attention, and which of their rows are whose: queries, keys and values stand in one array. */
const ATTENTION: Readonly<Record<string, Readonly<Record<string, Place>>>> = {
  self_attn: {
    q_proj: { name: 'self_attention/linear_0', part: 0, parts: 3 },
    k_proj: { name: 'self_attention/linear_0', part: 1, parts: 3 },
    v_proj: { name: 'self_attention/linear_0', part: 2, parts: 3 },
    out_proj: { name: 'self_attention/linear_1' },
  },
  encoder_attn: {
    q_proj: { name: 'attention/linear_0' },
    k_proj: { name: 'attention/linear_1', part: 0, parts: 2 },
    v_proj: { name: 'attention/linear_1', part: 1, parts: 2 },
    out_proj: { name: 'attention/linear_2' },
  },
};

/** The other layers, by their names at Hugging Face. */
const LAYERS: Readonly<Record<string, string>> = {
  self_attn_layer_norm: 'self_attention/layer_norm',
  encoder_attn_layer_norm: 'attention/layer_norm',
  final_layer_norm: 'ffn/layer_norm',
  fc1: 'ffn/linear_0',
  fc2: 'ffn/linear_1',
};

const WHOLE: Readonly<Record<string, string>> = {
  'encoder.embed_positions.weight': 'encoder/position_encodings/encodings',
  'decoder.embed_positions.weight': 'decoder/position_encodings/encodings',
  'decoder.embed_tokens.weight': 'decoder/embeddings/weight',
};

/** The weights of a CTranslate2 Whisper: float32, float16, bfloat16, or int8 and int16 with their scales. */
export class CTranslate2Weights implements Weights {
  readonly path: string;
  readonly #arrays: ReadonlyMap<string, TensorProto>;

  /** @throws {InputError} when integers have no scales */
  constructor(path: string, arrays: ReadonlyMap<string, TensorProto>) {
    this.path = path;
    this.#arrays = arrays;
    for (const [name, tensor] of arrays) if (isQuantized(tensor)) this.#scaleOf(name, tensor);
  }

  shapeOf(name: string): readonly number[] | undefined {
    const place = placeOf(name);
    const tensor = this.#arrays.get(place.name);
    if (tensor === undefined) return undefined;
    const [rows = 1, ...rest] = shapeOf(tensor);
    return [rows / (place.parts ?? 1), ...rest];
  }

  floatsOf(name: string): Float32Array {
    const { name: stored, part = 0, parts = 1 } = placeOf(name);
    const tensor = this.#arrays.get(stored);
    if (tensor === undefined) {
      throw new InputError(`${this.path}: the array ${stored} was required, got none; convert the model again`);
    }
    const floats = this.#dequantized(stored, tensor);
    const count = floats.length / parts;
    return floats.slice(part * count, (part + 1) * count);
  }

  /** Integers are the values times a scale. */
  #dequantized(name: string, tensor: TensorProto): Float32Array {
    if (!isQuantized(tensor)) return tensorFloats(tensor);
    const scales = tensorFloats(this.#scaleOf(name, tensor));
    const floats = Float32Array.from(tensorIntegers(tensor));
    const perScale = floats.length / scales.length;
    for (let row = 0; row < scales.length; row++) {
      const factor = scales[row] ?? 1;
      for (let i = row * perScale; i < (row + 1) * perScale; i++) floats[i] = (floats[i] ?? 0) / factor;
    }
    return floats;
  }

  /** One for each row, or one for all. */
  #scaleOf(name: string, tensor: TensorProto): TensorProto {
    const scale = this.#arrays.get(`${name}_scale`);
    const rows = shapeOf(tensor)[0] ?? 1;
    if (scale !== undefined && [1, rows].includes(elementCount(scale))) return scale;
    throw new InputError(
      `${this.path}: a scale for each of the ${rows} rows of ${name} was required, got ${scale === undefined ? 'none' : elementCount(scale)}; convert the model again`,
    );
  }
}

/** Single numbers are settings, not weights. */
function isQuantized(tensor: TensorProto): boolean {
  return tensor.dims.length > 0 && /^int(8|16)$/.test(tensorDtype(tensor));
}

function placeOf(name: string): Place {
  const whole = WHOLE[name];
  if (whole !== undefined) return { name: whole };
  const layer = /^(encoder|decoder)\.layers\.(\d+)\.(\w+?)(?:\.(\w+_proj))?\.(weight|bias)$/.exec(name);
  if (layer === null) return { name: `${name.replace(/\.(weight|bias)$/, '').replaceAll('.', '/')}/${lastOf(name)}` };
  const [, side = '', index = '', part = '', projection = '', kind = ''] = layer;
  const { name: inner = LAYERS[part] ?? part, ...rows } = ATTENTION[part]?.[projection] ?? {};
  return { ...rows, name: `${side}/layer_${index}/${inner}/${inner.endsWith('norm') ? normPart(kind) : kind}` };
}

/** `encoder.conv1.weight` keeps its word; the weight of `encoder.layer_norm` is called gamma. */
function lastOf(name: string): string {
  const kind = name.slice(name.lastIndexOf('.') + 1);
  return name.includes('layer_norm') ? normPart(kind) : kind;
}

function normPart(kind: string): string {
  return kind === 'weight' ? 'gamma' : 'beta';
}

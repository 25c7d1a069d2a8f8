import { join } from 'node:path';
import type { TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { InputError } from '../../errors.js';
import { readJson } from '../../files.js';
import { tensorIntegers } from '../../onnx/tensor/tensor.js';
import { readCTranslate2 } from './ctranslate2.js';
import { CTranslate2Weights } from './ctranslate2Weights.js';
import type { ForeignModel } from './importedModel.js';
import { buildWhisperDecoder } from './whisperDecoder.js';
import { buildWhisperEncoder } from './whisperEncoder.js';
import { checkShapes, type WhisperShape } from './whisperShape.js';

const configSchema = z.object({
  suppress_ids: z.array(z.int().nonnegative()),
  suppress_ids_begin: z.array(z.int().nonnegative()),
  alignment_heads: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])).optional(),
});

/** Attention of another form than Whisper's, which CTranslate2 can store. */
const FOREIGN = ['decoder/scale_embeddings', 'decoder/alibi', 'decoder/start_from_zero_embedding'];

/**
 * Reads a folder of CTranslate2, as faster-whisper keeps it: `model.bin` and `config.json`.
 *
 * @throws {InputError} when it is of another architecture, cut, or its parts do not belong together
 */
export async function readCTranslate2Folder(folder: string): Promise<ForeignModel> {
  const path = join(folder, 'model.bin');
  const { spec, arrays } = readCTranslate2(path);
  if (spec !== 'WhisperSpec') {
    throw new InputError(`${path}: a Whisper (WhisperSpec) was required, got ${spec}; no other is supported`);
  }
  for (const name of FOREIGN) {
    const flag = arrays.get(name);
    if (flag !== undefined && tensorIntegers(flag)[0] !== 0) {
      throw new InputError(`${path}: a Whisper was required, got one with ${name}; this model is not supported`);
    }
  }
  const weights = new CTranslate2Weights(path, arrays);
  const shape = shapeFrom(path, weights, arrays);
  checkShapes(weights, shape);
  const config = await readJson(join(folder, 'config.json'), configSchema);
  return {
    program: 'CTranslate2',
    shape,
    graphs: { encoder: buildWhisperEncoder(weights, shape), decoder: buildWhisperDecoder(weights, shape) },
    layout: 'own',
    decoding: {
      suppressed: config.suppress_ids,
      suppressedFirst: config.suppress_ids_begin,
      ...(config.alignment_heads ? { alignmentHeads: config.alignment_heads } : {}),
    },
  };
}

/** There the sizes are those of the arrays. */
function shapeFrom(path: string, weights: CTranslate2Weights, arrays: ReadonlyMap<string, TensorProto>): WhisperShape {
  const dimension = (name: string, axis: number): number => {
    const size = weights.shapeOf(name)?.[axis];
    if (size !== undefined && size > 0) return size;
    throw new InputError(`${path}: the array ${name} was required, got none; convert the model again`);
  };
  const heads = (side: string): number => {
    const tensor = arrays.get(`${side}/num_heads`);
    const count = tensor && tensorIntegers(tensor)[0];
    const width = dimension('encoder.conv1.weight', 0);
    if (count !== undefined && count > 0 && width % count === 0) return count;
    throw new InputError(
      `${path}: a number of heads in ${side}/num_heads that divides the width ${width} was required, got ${count ?? 'none'}; convert the model again`,
    );
  };
  const layers = (side: string): number => {
    let count = 0;
    while (weights.shapeOf(`${side}.layers.${count}.fc1.weight`) !== undefined) count++;
    return count;
  };
  return {
    width: dimension('encoder.conv1.weight', 0),
    bins: dimension('encoder.conv1.weight', 1),
    encoderLayers: layers('encoder'),
    encoderHeads: heads('encoder'),
    encoderFeed: dimension('encoder.layers.0.fc1.weight', 0),
    decoderLayers: layers('decoder'),
    decoderHeads: heads('decoder'),
    decoderFeed: dimension('decoder.layers.0.fc1.weight', 0),
    windowSteps: dimension('encoder.embed_positions.weight', 0),
    longestText: dimension('decoder.embed_positions.weight', 0),
    vocabulary: dimension('decoder.embed_tokens.weight', 0),
  };
}

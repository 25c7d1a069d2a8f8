import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { makeFolder, writeFileAtomic } from '../../files.js';
import { readModel } from '../../onnx/file/read.js';
import { writeModel } from '../../onnx/file/write.js';
import type { ModelCard } from '../card/card.js';
import type { EncoderDecoderCard } from '../kinds/encoderDecoder/card.js';
import type { ResolvedModel } from '../model.js';
import { optimumForm } from './optimumForm.js';

/** Names of the quantized graphs, in transformers.js's words: `dtype: 'q8'`. */
const FILES: Readonly<Record<string, string>> = {
  encoder: 'encoder_model_quantized.onnx',
  decoder: 'decoder_model_merged_quantized.onnx',
};

/** Where transformers.js looks for the graphs of a model. */
export function transformersJsPaths(out: string): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(FILES).map(([name, file]) => [name, join(out, 'onnx', file)]));
}

/**
 * A model with the graphs that transformers.js loads, in float32: what `quantlab model import` took from such a folder as it is, else
 * the same weights in graphs of that form.
 *
 * @param folder - where graphs are written that have to be made
 * @throws {InputError} when the model is no Whisper, one whose decoder is two graphs, or its card lacks the sizes
 */
export async function withTransformersJsGraphs(model: ResolvedModel, folder: string): Promise<ResolvedModel> {
  const card = requireWhisper(model);
  if (card.graphs.decoderWithPast !== undefined) {
    throw new InputError(
      `${model.path}: a model with one decoder was required for transformers.js, got one with two; import the model.safetensors of the same repository instead`,
    );
  }
  configOf(card, model.path);
  if (card.layout === 'optimum') return model;
  const { layers, heads, width, vocabulary, frontEnd } = card;
  const bins = 'bins' in frontEnd ? frontEnd.bins : 0;
  const encoder = await readModel(model.graphs['encoder'] as string);
  const decoder = await readModel(model.graphs['decoder'] as string);
  const form = optimumForm(encoder, decoder, { layers, heads, width, vocabulary, bins });
  await makeFolder(folder);
  const graphs: Record<string, string> = {};
  for (const [name, graph] of Object.entries(form)) {
    graphs[name] = join(folder, `${name}.onnx`);
    await writeModel(graph, graphs[name]);
  }
  return { ...model, card: { ...card, layout: 'optimum' } as ModelCard, graphs };
}

/**
 * Writes what transformers.js reads beside the graphs: configuration, rules of generating, front end and tokenizer.
 *
 * @param out - the model's folder
 * @throws {InputError} when the card does not say the sizes that `config.json` needs
 */
export async function writeTransformersJsFiles(model: ResolvedModel, out: string): Promise<void> {
  const card = requireWhisper(model);
  const files = {
    'config.json': configOf(card, model.path),
    'generation_config.json': generationOf(card),
    'preprocessor_config.json': preprocessorOf(card),
    'tokenizer_config.json': TOKENIZER,
  };
  await makeFolder(out);
  for (const [name, value] of Object.entries(files)) {
    await writeFileAtomic(join(out, name), `${JSON.stringify(value, null, 2)}\n`);
  }
  const tokenizer = model.files?.['tokenizer'];
  if (tokenizer !== undefined) await copyFile(tokenizer, join(out, 'tokenizer.json'));
}

/** Sees that a model can be written for transformers.js. */
function requireWhisper({ card, path }: ResolvedModel): EncoderDecoderCard {
  if (card.kind === 'encoder-decoder') return card as EncoderDecoderCard;
  throw new InputError(
    `${path}: a Whisper was required for the layout of transformers.js, got a model of the kind ${card.kind}; leave --layout out`,
  );
}

function configOf(card: EncoderDecoderCard, path: string): object {
  const { sizes, width, layers, heads, vocabulary, longestText, windowS, tokens, frontEnd } = card;
  if (sizes === undefined) {
    throw new InputError(
      `${path}: a card with the sizes of the encoder was required, got one of an earlier version; import the model again`,
    );
  }
  return {
    model_type: 'whisper',
    architectures: ['WhisperForConditionalGeneration'],
    is_encoder_decoder: true,
    activation_function: 'gelu',
    scale_embedding: false,
    d_model: width,
    encoder_layers: sizes.encoderLayers,
    encoder_attention_heads: sizes.encoderHeads,
    encoder_ffn_dim: sizes.encoderFeed,
    decoder_layers: layers,
    num_hidden_layers: sizes.encoderLayers,
    decoder_attention_heads: heads,
    decoder_ffn_dim: sizes.decoderFeed,
    num_mel_bins: 'bins' in frontEnd ? frontEnd.bins : 0,
    // A position each 0.02 s.
    max_source_positions: Math.round(windowS * 50),
    max_target_positions: longestText,
    max_length: longestText,
    vocab_size: vocabulary,
    use_cache: true,
    ...steering(tokens),
  };
}

/** Tokens that configuration and rules of generating name alike. */
function steering({ start, end, suppressed = [], suppressedFirst = [] }: EncoderDecoderCard['tokens']): object {
  return {
    decoder_start_token_id: start,
    bos_token_id: end,
    eos_token_id: end,
    pad_token_id: end,
    suppress_tokens: suppressed,
    begin_suppress_tokens: suppressedFirst,
  };
}

function generationOf({ tokens, longestText, alignmentHeads }: EncoderDecoderCard): object {
  const { languages, transcribe, translate, noTimestamps, previous } = tokens;
  const ids = Object.entries(languages ?? {}).map(([code, id]) => [`<|${code}|>`, id]);
  return {
    ...steering(tokens),
    max_length: longestText,
    return_timestamps: false,
    max_initial_timestamp_index: 50,
    no_timestamps_token_id: noTimestamps,
    prev_sot_token_id: previous,
    is_multilingual: languages !== undefined,
    ...(languages && { lang_to_id: Object.fromEntries(ids), task_to_id: { transcribe, translate } }),
    ...(alignmentHeads && { alignment_heads: alignmentHeads }),
  };
}

function preprocessorOf({ frontEnd, windowS }: EncoderDecoderCard): object {
  const bins = 'bins' in frontEnd ? frontEnd.bins : 0;
  return {
    feature_extractor_type: 'WhisperFeatureExtractor',
    processor_class: 'WhisperProcessor',
    feature_size: bins,
    sampling_rate: 16_000,
    n_fft: 400,
    hop_length: 160,
    chunk_length: windowS,
    n_samples: windowS * 16_000,
    nb_max_frames: windowS * 100,
    padding_side: 'right',
    padding_value: 0,
    return_attention_mask: false,
  };
}

const TOKENIZER = {
  tokenizer_class: 'WhisperTokenizer',
  processor_class: 'WhisperProcessor',
  add_prefix_space: false,
  bos_token: '<|endoftext|>',
  eos_token: '<|endoftext|>',
  pad_token: '<|endoftext|>',
  unk_token: '<|endoftext|>',
  clean_up_tokenization_spaces: true,
  model_max_length: 1024,
  errors: 'replace',
};

import { join } from 'node:path';
import { InputError } from '../../errors.js';
import { readModel } from '../../onnx/file/read.js';
import { mainGraph, type OnnxModel } from '../../onnx/model.js';
import { isFile } from './foreignFiles.js';
import type { ForeignModel, ImportedGraphs } from './importedModel.js';
import { readDecodingFacts, readWhisperConfig } from './whisperConfig.js';

/** Endings of transformers.js for kinds of weights, the most exact first; those whose inputs are half precision are left out. */
const ENDINGS = ['', '_quantized', '_int8', '_uint8', '_q4', '_bnb4'];

/** Where the graphs of a folder lie. */
export interface OnnxFiles {
  readonly encoder: string;
  readonly decoder: string;
  readonly decoderWithPast?: string;
}

/**
 * Finds the graphs of Optimum or transformers.js, in the folder or in `onnx` below it.
 *
 * @returns `undefined` where there are none
 */
export async function findOnnxFiles(folder: string): Promise<OnnxFiles | undefined> {
  for (const place of [folder, join(folder, 'onnx')]) {
    for (const ending of ENDINGS) {
      const named = (name: string): string => join(place, `${name}${ending}.onnx`);
      const encoder = named('encoder_model');
      if (!(await isFile(encoder))) continue;
      const merged = named('decoder_model_merged');
      if (await isFile(merged)) return { encoder, decoder: merged };
      const [decoder, decoderWithPast] = [named('decoder_model'), named('decoder_with_past_model')];
      if ((await isFile(decoder)) && (await isFile(decoderWithPast))) return { encoder, decoder, decoderWithPast };
    }
  }
  return undefined;
}

/**
 * Reads a folder of Optimum or transformers.js: its graphs as they are, `config.json` and `generation_config.json`.
 *
 * @throws {InputError} when it is of another architecture, a graph is damaged, or not one of this layout
 */
export async function readOnnxFolder(folder: string, files: OnnxFiles): Promise<ForeignModel> {
  const shape = await readWhisperConfig(join(folder, 'config.json'));
  const encoder = await graphOf(files.encoder, ['input_features'], ['last_hidden_state']);
  const decoder = await graphOf(files.decoder, ['input_ids'], ['logits']);
  const { decoderWithPast: path } = files;
  const decoderWithPast = path && (await graphOf(path, ['input_ids', 'past_key_values.0.decoder.key'], ['logits']));
  requireSize(encoder, 'input_features', 1, shape.bins, 'num_mel_bins');
  requireSize(decoder, 'logits', 2, shape.vocabulary, 'vocab_size');
  const graphs: ImportedGraphs = { encoder, decoder, ...(decoderWithPast && { decoderWithPast }) };
  return { program: 'ONNX', shape, graphs, layout: 'optimum', ...(await readDecodingFacts(folder)) };
}

async function graphOf(path: string, inputs: readonly string[], outputs: readonly string[]): Promise<OnnxModel> {
  const model = await readModel(path);
  const graph = mainGraph(model);
  for (const [what, wanted, values] of [
    ['inputs', inputs, graph.input],
    ['outputs', outputs, graph.output],
  ] as const) {
    const names = values.map(({ name }) => name);
    const missing = wanted.filter((name) => !names.includes(name));
    if (missing.length === 0) continue;
    throw new InputError(
      `${path}: the ${what} ${missing.join(', ')} were required, got ${names.join(', ')}; export the model with Optimum`,
    );
  }
  return model;
}

/** A size that the graph fixes must be the configuration's. */
function requireSize(model: OnnxModel, name: string, axis: number, wanted: number, field: string): void {
  const graph = mainGraph(model);
  const value = [...graph.input, ...graph.output].find((one) => one.name === name);
  const type = value?.type?.value;
  const size = type?.case === 'tensorType' ? type.value.shape?.dim[axis]?.value : undefined;
  if (size?.case !== 'dimValue' || Number(size.value) === wanted) return;
  throw new InputError(
    `${model.path}: axis ${axis} of ${name} of the size ${wanted}, as ${field} of config.json says, was required, got ${size.value}; the two files do not belong together`,
  );
}

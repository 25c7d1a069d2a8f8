import { withOutputs } from '../compress/choose/sensitivity.js';
import type { OnnxModel } from '../onnx/model.js';
import { ownValue } from '../ownValue.js';
import type { ResolvedModel } from '../recognise/model.js';
import { runOverSpeech, type SpeechOptions } from './speechRunner.js';

/**
 * Values inside a graph while its model transcribes.
 *
 * @param graph - of the model, or made from one
 * @param model - the recogniser that runs the graph
 * @param tensors - float32 values of the main graph, such as a layer's output
 * @param options - which utterances; all values are kept in memory
 * @returns for each tensor its values, run behind run
 * @throws {InputError} when the manifest or a recording cannot be read, or the model has no such float32 value
 */
export async function activationsOnSpeech(
  graph: OnnxModel,
  model: ResolvedModel,
  tensors: readonly string[],
  options: SpeechOptions,
): Promise<ReadonlyMap<string, Float32Array>> {
  const parts = new Map<string, Float32Array[]>(tensors.map((name) => [name, []]));
  for await (const sample of runOverSpeech(withOutputs(graph, tensors), tensors, model, options)) {
    for (const name of tensors) parts.get(name)?.push(Float32Array.from(ownValue(sample, name) ?? []));
  }
  return new Map(tensors.map((name) => [name, joined(parts.get(name) ?? [])]));
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

import { layersOf } from '../compress/layers.js';
import { showing } from '../compress/sensitivity.js';
import { InputError } from '../errors.js';
import type { ModelCard } from '../model/card.js';
import { mainGraph, type OnnxModel } from '../onnx/model.js';
import { runOverSpeech, type SpeechOptions } from './speechRunner.js';

/** How much a value differs between two models. */
export interface ValueDifference {
  /** Name of the value, and of the layer that gives it; the model's outputs have no layer. */
  readonly value: string;
  readonly layer: string | null;
  readonly opType: string | null;
  /** Power of the first model's value over that of the difference, in decibels; `null` where they are equal. */
  readonly signalToErrorDb: number | null;
  /** Largest difference of one number. */
  readonly largest: number;
}

/**
 * Compares two models that share the names of values, such as a model and its compressed form, on the same speech:
 * what each layer gives, errors of the layers before it included, and the log-probabilities.
 *
 * @param a - the reference
 * @param b - the other one; values that it no longer has are left out
 * @param card - front end and names of the tensors, the same for both
 * @returns in the order of the graph, the log-probabilities last
 * @throws {InputError} when the models share no output, or their values differ in size
 */
export async function compareOnSpeech(
  a: OnnxModel,
  b: OnnxModel,
  card: ModelCard,
  options: SpeechOptions,
): Promise<readonly ValueDifference[]> {
  const made = new Set(mainGraph(b).node.flatMap(({ output }) => output));
  const output = card.tensors.logProbabilities;
  if (!made.has(output)) {
    throw new InputError(`${b.path}: an output named ${output} was required, got none; compare forms of one model`);
  }
  const layers = new Map(layersOf(a).map((layer) => [layer.output, layer]));
  const names = [...new Set([...[...layers.keys()].filter((name) => made.has(name)), output])];
  const sums = names.map(() => ({ signal: 0, error: 0, largest: 0 }));
  const others = runOverSpeech(showing(b, names), names, card, options);
  for await (const was of runOverSpeech(showing(a, names), names, card, options)) {
    const next = await others.next();
    const is = next.done ? {} : next.value;
    for (const [index, name] of names.entries()) {
      const sum = sums[index];
      const [before, after] = [was[name], is[name]];
      if (sum === undefined || before === undefined || before.length !== after?.length) {
        throw new InputError(
          `value ${name}: ${before?.length} numbers were required, got ${after?.length}; compare forms of one model`,
        );
      }
      for (let i = 0; i < before.length; i++) {
        const value = before[i] ?? 0;
        const lost = value - (after[i] ?? 0);
        sum.signal += value * value;
        sum.error += lost * lost;
        sum.largest = Math.max(sum.largest, Math.abs(lost));
      }
    }
  }
  await others.return(undefined);
  return names.map((value, index) => {
    const { signal, error, largest } = sums[index] ?? { signal: 0, error: 0, largest: 0 };
    const layer = value === output ? undefined : layers.get(value);
    return {
      value,
      layer: layer?.node ?? null,
      opType: layer?.opType ?? null,
      signalToErrorDb: error === 0 ? null : 10 * Math.log10(signal / error),
      largest,
    };
  });
}

import { InputError } from '../../../errors.js';
import type { DeepSpeech2Settings } from '../../../onnx/build/build.js';
import type { OnnxModel } from '../../../onnx/model.js';
import { FRONT_END_PRESETS } from '../../../speech/features/frontEndPresets.js';
import type { FrontEnd } from '../../../speech/types.js';
import { countParameters } from '../../card/countParameters.js';
import { writeCard } from '../../card/readCard.js';
import { cardFile } from '../../card/variantCard.js';
import type { CtcCard } from './card.js';

/** Blank, space, apostrophe and the letters: the classes of an English Deep Speech 2. */
const ENGLISH: readonly string[] = ['', ' ', "'", ...'abcdefghijklmnopqrstuvwxyz'];

/**
 * Writes the card of a built model beside it, `X.json` for `X.onnx`, so that it runs like any other model.
 *
 * The front end of the `deepspeech2` front is the log spectrogram of a 20 ms window every 10 ms, or, for other than 161 bins,
 * of the window that has as many; that of the `residual` front is as many mel bands of a 25 ms window. Classes beyond the
 * English 29 are numbered.
 *
 * @param model - what `buildDeepSpeech2` returned
 * @param settings - with which it was built, defaults filled in
 * @param path - the model's file, already written, an `.onnx`
 * @returns the path of the card
 * @throws {InputError} when the file cannot be read, or no front end has so many bins
 */
export async function writeBuiltCard(model: OnnxModel, settings: DeepSpeech2Settings, path: string): Promise<string> {
  const { front, cell, layers, units, classes, seed } = settings;
  const file = await cardFile(path);
  const network = `${front === 'residual' ? '7 convolutions of 3×3 in residual blocks' : '2 convolutions'}, ${layers} × bidirectional ${cell.toUpperCase()} ${units}`;
  const card: CtcCard = {
    schema: 'quantlab.model-card/2',
    kind: 'ctc',
    id: `built.${front}.${cell}.${layers}x${units}.seed${seed}`,
    title: `Random Deep Speech 2, ${layers} × ${cell.toUpperCase()} ${units}`,
    network,
    parameters: countParameters(model),
    graphs: { model: { file } },
    frontEnd: frontEndOf(settings),
    tensors: {
      features: 'features',
      lengths: 'lengths',
      logProbabilities: 'log_probabilities',
      outputLengths: 'output_lengths',
    },
    labels: Array.from({ length: classes }, (_, index) => ENGLISH[index] ?? `<${index}>`),
    blank: 0,
    timeStride: 2,
    licence: 'MIT',
    intendedUse: 'Experiments on speed, size and memory, which do not depend on what a model has learnt.',
    limits: 'Its weights are random: it recognizes nothing.',
  };
  const cardPath = path.replace(/\.onnx$/, '.json');
  if (cardPath === path) {
    throw new InputError(`${path}: a name ending in .onnx was required, got another; add the ending`);
  }
  await writeCard(card, cardPath);
  return cardPath;
}

/** A spectrogram has an odd number of lines, of a window twice as long; mel bands there may be any number of. */
function frontEndOf({ front, bins }: DeepSpeech2Settings): FrontEnd {
  if (front === 'residual') {
    return {
      kind: 'log-mel',
      sampleRateHz: 16_000,
      fftSamples: 512,
      windowSamples: 400,
      hopSamples: 160,
      window: 'hann-periodic',
      bins,
      melScale: 'slaney',
      logGuard: 2 ** -24,
      normalisation: 'per-feature',
    };
  }
  return FRONT_END_PRESETS.deepspeech2.make({ sampleRateHz: 16_000, bins });
}

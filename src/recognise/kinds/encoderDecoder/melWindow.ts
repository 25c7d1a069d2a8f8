import { InputError } from '../../../errors.js';
import { resample } from '../../../speech/audio/resample.js';
import type { Audio, FeatureExtractor, Features } from '../../../speech/types.js';

/** What the encoder reads of a piece of sound that silence follows. */
export interface MelWindow {
  /** Row-major, shape [bins, frames]. */
  readonly mel: Float32Array;
  readonly bins: number;
  readonly frames: number;
}

/**
 * Computes a window: the sound, followed by digital silence up to the window's end, as `pad_or_trim` makes it.
 *
 * Of the silence only as much is transformed as differs from its middle.
 *
 * @param sound - at any rate; what lies beyond the window is left out
 * @param frames - length of the window
 * @throws {InputError} when there is no sound, or it is not finite
 */
export function melWindow(extractor: FeatureExtractor, sound: Audio, frames: number): MelWindow {
  const { frontEnd } = extractor;
  if (frontEnd.kind !== 'log-mel') {
    throw new InputError(`front end: log-mel was required, got ${frontEnd.kind}; mend the model card`);
  }
  const { sampleRateHz, hopSamples, fftSamples } = frontEnd;
  if (sound.samples.length === 0)
    throw new InputError('sound: a sample at least was required, got none; record something');
  const same = sound.sampleRateHz === sampleRateHz;
  const samples = same ? sound.samples : resample(sound.samples, sound.sampleRateHz, sampleRateHz);
  const window = frames * hopSamples;
  // The frames from here on read silence alone, and the ends that are reflected lie in it.
  const quiet = Math.ceil((samples.length + fftSamples / 2) / hopSamples) + 1;
  const needed = (quiet + 1) * hopSamples + fftSamples;
  const padded = new Float32Array(Math.min(window, needed));
  padded.set(samples.subarray(0, padded.length));
  const features = extractor.compute({ samples: padded, sampleRateHz });
  return { mel: layOut(features, frames, quiet), bins: features.bins, frames };
}

/** [bins, frames]; frames that were not computed are those of silence. */
function layOut({ data, frames: computed, bins }: Features, frames: number, quiet: number): Float32Array {
  const mel = new Float32Array(bins * frames);
  const filled = Math.min(computed, frames, quiet + 1);
  for (let bin = 0; bin < bins; bin++) {
    const row = bin * frames;
    for (let frame = 0; frame < filled; frame++) mel[row + frame] = data[frame * bins + bin] as number;
    mel.fill(data[(filled - 1) * bins + bin] as number, row + filled, row + frames);
  }
  return mel;
}

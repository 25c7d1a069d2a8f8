import { InputError } from '../../errors.js';
import { resample } from '../audio/resample.js';
import type { Audio, FeatureExtractor, Features, WaveformFrontEnd } from '../types.js';

/** Added to the variance: that of Hugging Face's `Wav2Vec2FeatureExtractor`. */
const VARIANCE_GUARD = 1e-7;

/**
 * Makes the front end of networks that read samples: wav2vec 2.0 and its kin. A frame is a sample, of one bin.
 */
export function createRawWaveform(frontEnd: WaveformFrontEnd): FeatureExtractor {
  const { sampleRateHz, normalisation } = frontEnd;
  return {
    frontEnd,
    compute(audio: Audio): Features {
      const same = audio.sampleRateHz === sampleRateHz;
      const samples = same ? audio.samples : resample(audio.samples, audio.sampleRateHz, sampleRateHz);
      if (samples.length === 0) {
        throw new InputError('sound: at least 1 sample was required, got 0; record a longer piece');
      }
      const data = normalisation === 'utterance' ? standardise(samples) : Float32Array.from(samples);
      return { data, frames: samples.length, bins: 1 };
    },
  };
}

function standardise(samples: Float32Array): Float32Array {
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  const variance = samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / samples.length;
  if (!Number.isFinite(variance)) {
    throw new InputError('sound: finite samples were required, got NaN or infinity; check where the sound comes from');
  }
  const scale = 1 / Math.sqrt(variance + VARIANCE_GUARD);
  return samples.map((sample) => (sample - mean) * scale);
}

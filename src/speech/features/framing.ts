/**
 * A window to cut frames with: `numpy.hamming` and `numpy.hanning`, or, where it is periodic, one period of the same
 * wave, as `scipy.signal.get_window` and `torch.hann_window` make it.
 */
export function cosineWindow(shape: 'hamming' | 'hann', samples: number, periodic: boolean = false): Float32Array {
  const [a, b] = shape === 'hamming' ? [0.54, 0.46] : [0.5, 0.5];
  const period = Math.max(1, periodic ? samples : samples - 1);
  return Float32Array.from({ length: samples }, (_, n) => a - b * Math.cos((2 * Math.PI * n) / period));
}

/** `numpy.pad(samples, padSamples, mode='reflect')`: the end samples themselves are not repeated. */
export function reflectEnds(samples: Float32Array, padSamples: number): Float32Array {
  if (padSamples === 0) return samples;
  const padded = zeroEnds(samples, padSamples);
  const last = samples.length - 1;
  for (let i = 1; i <= padSamples; i++) {
    padded[padSamples - i] = samples[i] as number;
    padded[padSamples + last + i] = samples[last - i] as number;
  }
  return padded;
}

/** `numpy.pad(samples, padSamples)`: zeros at both ends. */
export function zeroEnds(samples: Float32Array, padSamples: number): Float32Array {
  const padded = new Float32Array(samples.length + 2 * padSamples);
  padded.set(samples, padSamples);
  return padded;
}

/** Kaldi's mirrored ends: the end samples are repeated, and sound that is shorter than its ends is mirrored to and fro. */
export function mirrorEnds(samples: Float32Array, before: number, after: number): Float32Array {
  const { length } = samples;
  return Float32Array.from({ length: before + length + after }, (_, i) => {
    const place = (((i - before) % (2 * length)) + 2 * length) % (2 * length);
    return samples[place < length ? place : 2 * length - 1 - place] as number;
  });
}

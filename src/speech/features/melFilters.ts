/** Slaney's scale is linear to this frequency, in hertz, and logarithmic above. */
const BREAK_HZ = 1000;
/** Hertz of a mel below the break: 15 mel are 1000 Hz. */
const HZ_A_MEL = 200 / 3;
/** Natural logarithm of a mel's ratio above the break: 27 mel are a factor of 6.4. */
const LOG_STEP = Math.log(6.4) / 27;

/** One band: weights of neighbouring spectrum lines, from `first` on. */
export interface MelBand {
  readonly first: number;
  readonly weights: Float32Array;
}

/** What makes a bank of mel filters. */
export interface MelFilterSettings {
  readonly sampleRateHz: number;
  readonly fftSamples: number;
  readonly bins: number;
  readonly lowHz: number;
  readonly highHz: number;
  readonly melScale: 'slaney' | 'htk';
  readonly melNormalisation: 'slaney' | 'none';
  /** Whether the sides of the triangles are straight over hertz (librosa, torchaudio) or over mel (Kaldi). */
  readonly straightOver: 'hertz' | 'mel';
}

/**
 * Triangular filters, equally spaced on a mel scale: `librosa.filters.mel`, `torchaudio.functional.melscale_fbanks`, and, straight over
 * mel, Kaldi's `MelBanks`, which leaves the line of half the sample rate out.
 *
 * @returns a band for each of `bins`, over the ⌊fftSamples / 2⌋ + 1 lines of the spectrum
 * @see Slaney 1998, "Auditory Toolbox", Interval Research 1998-010; Young et al., "The HTK Book", section 5.4
 */
export function melFilters(settings: MelFilterSettings): MelBand[] {
  const { sampleRateHz, fftSamples, bins, lowHz, highHz, melScale, melNormalisation, straightOver } = settings;
  const low = hzToMel(lowHz, melScale);
  const high = hzToMel(highHz, melScale);
  const isOverMel = straightOver === 'mel';
  const edges = Array.from({ length: bins + 2 }, (_, i) => {
    const mel = low + ((high - low) * i) / (bins + 1);
    return isOverMel ? mel : melToHz(mel, melScale);
  });
  const places = Array.from({ length: Math.floor(fftSamples / 2) + 1 }, (_, line) => {
    const hz = (line * sampleRateHz) / fftSamples;
    return isOverMel ? hzToMel(hz, melScale) : hz;
  });
  if (isOverMel) places.pop();
  return Array.from({ length: bins }, (_, band) => {
    const [left, centre, right] = edges.slice(band, band + 3) as [number, number, number];
    const height = melNormalisation === 'slaney' ? 2 / (right - left) : 1;
    const weights = places.map(
      (place) => height * Math.max(0, Math.min((place - left) / (centre - left), (right - place) / (right - centre))),
    );
    const first = Math.max(
      0,
      weights.findIndex((weight) => weight > 0),
    );
    const last = weights.findLastIndex((weight) => weight > 0);
    return { first, weights: Float32Array.from(weights.slice(first, last + 1)) };
  });
}

function hzToMel(hz: number, scale: 'slaney' | 'htk'): number {
  if (scale === 'htk') return 2595 * Math.log10(1 + hz / 700);
  return hz < BREAK_HZ ? hz / HZ_A_MEL : BREAK_HZ / HZ_A_MEL + Math.log(hz / BREAK_HZ) / LOG_STEP;
}

function melToHz(mel: number, scale: 'slaney' | 'htk'): number {
  if (scale === 'htk') return 700 * (10 ** (mel / 2595) - 1);
  const above = mel - BREAK_HZ / HZ_A_MEL;
  return above < 0 ? mel * HZ_A_MEL : BREAK_HZ * Math.exp(above * LOG_STEP);
}

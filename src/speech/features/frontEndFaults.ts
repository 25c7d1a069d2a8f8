import type { FeatureScale, FrontEnd } from '../types.js';
import { LONGEST_FFT } from './fft.js';

/** What is wrong with a number of a front end. */
export interface Fault {
  /** Its name in the card. */
  readonly field: string;
  /** What was required, and what came. */
  readonly reason: string;
}

/** Rates of sound that is speech, with room: telephones have 8000 Hz, studios 192,000. */
const RATES_HZ = [1000, 384_000] as const;
const LENGTHS = [1, LONGEST_FFT] as const;
const MOST_BINS = 4096;

/**
 * Finds all that is wrong with the numbers of a front end.
 *
 * @returns nothing where it can be made
 */
export function findFrontEndFaults(frontEnd: FrontEnd): readonly Fault[] {
  const faults: Fault[] = [];
  const whole = (field: string, value: number, [least, most]: readonly [number, number]): void => {
    if (Number.isInteger(value) && value >= least && value <= most) return;
    faults.push({ field, reason: `a whole number in ${least}…${most} was required of ${field}, got ${value}` });
  };
  const number = (
    field: string,
    value: number | undefined,
    isRight: (value: number) => boolean,
    wanted: string,
  ): void => {
    if (value === undefined || (Number.isFinite(value) && isRight(value))) return;
    faults.push({ field, reason: `${wanted} was required of ${field}, got ${value}` });
  };
  const { sampleRateHz } = frontEnd;
  whole('sampleRateHz', sampleRateHz, RATES_HZ);
  if (frontEnd.kind === 'waveform') return faults;
  const { windowSamples, hopSamples, bins } = frontEnd;
  whole('windowSamples', windowSamples, LENGTHS);
  whole('hopSamples', hopSamples, LENGTHS);
  if (frontEnd.kind === 'log-spectrogram') {
    whole('padSamples', frontEnd.padSamples, [0, LONGEST_FFT]);
    const lines = Math.floor(windowSamples / 2) + 1;
    if (bins !== lines) {
      faults.push({ field: 'bins', reason: `${lines} bins were required by the window, got ${bins}` });
    }
    return faults;
  }
  whole('bins', bins, [1, MOST_BINS]);
  if (frontEnd.kind === 'log-mel') {
    whole('fftSamples', frontEnd.fftSamples, LENGTHS);
    if (frontEnd.fftSamples < windowSamples) {
      const reason = `the window's ${windowSamples} samples or more were required of fftSamples, got ${frontEnd.fftSamples}`;
      faults.push({ field: 'fftSamples', reason });
    }
    const isDecimal = frontEnd.logarithm === 'decimal';
    if (frontEnd.normalisation === 'whisper' && !isDecimal) {
      faults.push({ field: 'logarithm', reason: 'decimal was required by the normalisation of Whisper, got natural' });
    }
  } else {
    number('sampleScale', frontEnd.sampleScale, (value) => value > 0, 'a number above 0');
    if (frontEnd.normalisation === 'whisper') {
      faults.push({
        field: 'normalisation',
        reason: 'another than whisper was required of a kaldi-fbank, got whisper',
      });
    }
  }
  number('preemphasis', frontEnd.preemphasis, (value) => value >= 0 && value <= 1, 'a number in 0…1');
  number('logGuard', frontEnd.logGuard, (value) => value > 0, 'a logGuard above 0');
  const { lowHz = 0, highHz = sampleRateHz / 2 } = frontEnd;
  if (!(lowHz >= 0 && highHz > lowHz && highHz <= sampleRateHz / 2)) {
    const reason = `bands within 0…${sampleRateHz / 2} Hz were required, got ${lowHz}…${highHz}`;
    faults.push({ field: 'highHz', reason });
  }
  return [...faults, ...scaleFaults(frontEnd, bins)];
}

/** Whether the card gives what its normalisation needs, and nothing else. */
function scaleFaults({ normalisation, mean, deviation }: FeatureScale, bins: number): Fault[] {
  const isGlobal = normalisation === 'global';
  return Object.entries({ mean, deviation }).flatMap(([field, values]) => {
    if (!isGlobal && values === undefined) return [];
    const wanted = isGlobal
      ? `${bins} finite numbers, one for each band,`
      : `nothing, as the normalisation is not global,`;
    const isRight =
      isGlobal &&
      values?.length === bins &&
      values.every((value) => Number.isFinite(value) && (field === 'mean' || value > 0));
    if (isRight) return [];
    const came = values === undefined ? 'none' : values.length === bins ? 'others' : `${values.length}`;
    const above = field === 'deviation' && isGlobal ? ' above 0' : '';
    return [{ field, reason: `${wanted} were required of ${field}${above}, got ${came}` }];
  });
}

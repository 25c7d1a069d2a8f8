import type { FrontEnd } from '../../../speech/types.js';
import type { ModelSession } from '../../session/modelSession.js';
import type { CardTensors } from './card.js';
import { bindInputs, layOutInputs } from './inputTensors.js';

/** What a graph does with recordings of known lengths. */
export interface TrialRun {
  /** Frames a step; `undefined` where the graph fixes the length, or the lengths do not tell it. */
  readonly timeStride: number | undefined;
  /** Scores of a step. */
  readonly classes: number | undefined;
  /** `undefined` for the usual order. */
  readonly scoresLayout: CardTensors['scoresLayout'];
}

/** Both lengths are multiples of every usual stride. */
const FRAMES = [480, 960] as const;
/** Of wav2vec 2.0 and its kin a step is 320 samples. */
const SAMPLES_OF_A_FRAME = 320;
/** Strides of whole frames are found exactly but for the steps that the ends cost, which both lengths have. */
const LARGEST_REST = 0.02;

/**
 * Runs a graph on two lengths of silence, and looks which axis of the scores grows, and how much.
 *
 * @throws {InputError} when the graph cannot be fed so, or fails
 */
export async function trialRun(session: ModelSession, frontEnd: FrontEnd, tensors: CardTensors): Promise<TrialRun> {
  const isWaveform = frontEnd.kind === 'waveform';
  const bins = isWaveform ? 1 : frontEnd.bins;
  const card = { frontEnd, tensors };
  const binding = bindInputs(card, session);
  const lengths = FRAMES.map((frames) => binding.fixedFrames ?? frames * (isWaveform ? SAMPLES_OF_A_FRAME : 1));
  const dims: (readonly number[])[] = [];
  for (const frames of new Set(lengths)) {
    const features = { data: new Float32Array(frames * bins), frames, bins };
    const feeds = layOutInputs(card, session.path, binding, [features]);
    const outputs = await session.run(feeds, [tensors.logProbabilities]);
    dims.push(outputs[tensors.logProbabilities]?.dims ?? []);
  }
  const [short = [], long] = dims;
  const grown = short.flatMap((size, axis) => (long !== undefined && long[axis] !== size ? [axis] : []));
  const [steps, ...others] = grown;
  if (long === undefined || steps === undefined || others.length > 0) {
    return { timeStride: undefined, classes: undefined, scoresLayout: undefined };
  }
  const [from = 0, to = 0] = lengths;
  const stride = (to - from) / ((long[steps] ?? 0) - (short[steps] ?? 0));
  const whole = Math.round(stride);
  // One recording: the axis that has one place is that of the recordings.
  const classAxis = short.findLastIndex((size, axis) => axis !== steps && (size > 1 || short.length === 2));
  const batchAxis = [0, 1, 2].find((axis) => axis !== steps && axis !== classAxis);
  const isUsual = steps === short.length - 2 && classAxis === short.length - 1;
  const layout = steps < classAxis ? (batchAxis === 0 ? 'ntv' : 'tnv') : 'nvt';
  return {
    timeStride: whole >= 1 && Math.abs(stride - whole) < LARGEST_REST * stride ? whole : undefined,
    classes: short[classAxis],
    scoresLayout: isUsual ? undefined : layout,
  };
}

import type { CachedRecognition, ResultKind } from '../recognise/cache/cachedRecognizer.js';
import type { ResultCacheOptions } from '../recognise/cache/resultCache.js';
import type { SimilarSoundsOptions } from '../recognise/cache/similarSounds.js';
import type { DecoderOptions, Guide, ReferenceLoss, Timing } from '../recognise/kinds/kind.js';
import type { ResolvedModel } from '../recognise/model.js';
import type { TranscribedSegment } from '../recognise/passage.js';
import type { GraphSample } from '../recognise/session/graphArrays.js';
import type { ExecutionProvider, SessionOptions } from '../recognise/session/session.js';
import type { Transcript } from '../recognise/transcribe.js';
import type { ReadAudioOptions } from '../speech/audio/audio.js';
import type { Recording } from '../speech/types.js';
import type { ProcessMemory } from './processMemory.js';

/** What a measuring process needs to begin. */
export interface Setup {
  readonly model: ResolvedModel;
  readonly executionProvider: ExecutionProvider;
  /** Threads of one operator. */
  readonly threads: number;
  readonly arena?: SessionOptions['arena'];
  readonly spinning?: SessionOptions['spinning'];
  /** Folder of optimised models: see `keepOptimized`. Default: the model is optimised at each start. */
  readonly optimizedFolder?: string | undefined;
  /** How what the network gives becomes text. Default: the best at each step. */
  readonly decoder?: DecoderOptions | undefined;
  /** A second way from scores to text, for trials that are judged, of recognizers that have stages. Default: none. */
  readonly secondDecoder?: DecoderOptions | undefined;
  /** What is said in each recording, for trials that are judged, of recognizers that tell a text's loss. Default: it is not known. */
  readonly references?: readonly string[] | undefined;
  /** Keeps results. Default: none are kept. */
  readonly cache?: CacheSetup | undefined;
  /** Recordings, which trials name by their index. */
  readonly recordings: readonly Recording[];
  /** Runs before the first trial that are not counted; each is a list of indices. The first of them is timed apart. */
  readonly warmUp: readonly (readonly number[])[];
  /** Prints on standard error which node was placed where. */
  readonly verbose?: boolean;
}

/** What a process needs to measure a graph that has no card. */
export interface GraphSetup {
  readonly path: string;
  readonly executionProvider: ExecutionProvider;
  /** Threads of one operator. */
  readonly threads: number;
  /** What it is fed with; trials name them by their index. */
  readonly samples: readonly GraphSample[];
  /** Runs before the first trial that are not counted; the first of them is timed apart. */
  readonly warmUpRuns: number;
}

/** A state that a stage feeds back to itself, from run to run; zeros where a recording begins. */
export interface CarriedState {
  readonly input: string;
  readonly output: string;
  readonly shape: readonly number[];
}

/** A stage of a split model, and how it is loaded. */
export interface StageSetup {
  readonly path: string;
  /** Threads of one operator. */
  readonly threads: number;
  readonly arena?: SessionOptions['arena'];
  /** States that it feeds back to itself. Default: none. */
  readonly carried?: readonly CarriedState[] | undefined;
}

/** One run of a stage: where it finds what it reads, and leaves what it gives (see `ArraysFile`). */
export interface StageRun {
  readonly reads: readonly { readonly file: string; readonly names: readonly string[] }[];
  readonly writes: string;
  /** Names of what it gives. */
  readonly outputs: readonly string[];
  /** Whether a recording begins: carried states are zeros. */
  readonly fresh: boolean;
}

/** Where the time of a run of a stage went. */
export interface StageTimes {
  readonly readMs: number;
  readonly runMs: number;
  readonly writeMs: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Which results a process keeps, and where. */
export interface CacheSetup extends Omit<ResultCacheOptions, 'now'> {
  /** Default: transcripts and scores. */
  readonly kinds?: readonly ResultKind[] | undefined;
  /** Finds transcripts of the same recording in another form, too. Default: none are found. */
  readonly similar?: SimilarSoundsOptions | undefined;
}

/** What is loaded in the process that could draw, and which devices it holds open: tells a GPU from its imitation. */
export interface GraphicsTraces {
  /** File names of graphics drivers. */
  readonly drivers: readonly string[];
  /** Device files, on Linux. */
  readonly devices: readonly string[];
}

/** What is known once the model is loaded and warm. */
export interface Loaded {
  /** From the call to a session that is ready, in milliseconds. */
  readonly loadMs: number;
  /** First inference of the process, in milliseconds. */
  readonly firstRunMs: number;
}

/** One timed call, from waveforms to texts. */
export interface Trial extends Timing {
  /** Ids of the recordings; one, but for a batch. */
  readonly utterances: readonly string[];
  /** Sound transcribed, in seconds. */
  readonly audioS: number;
  /** Processor time of all threads of the process during the call, those that wait by spinning included; not known of an answer that was kept. */
  readonly cpuMs?: number | undefined;
  /** What was recognised, in the order of {@link Trial.utterances}. */
  readonly texts: readonly string[];
  /** What the second decoder made of the same scores, after the clock had stopped; only where it was asked for. */
  readonly secondTexts?: readonly string[] | undefined;
  /** How unlikely the network finds the references of the set-up; `null` where it cannot say one; only where it was asked for. */
  readonly losses?: readonly (ReferenceLoss | null)[] | undefined;
  /** The furthest result that was kept, `null` for none; only where a cache is measured. */
  readonly kept?: CachedRecognition['kept'] | undefined;
}

/** An input of a small graph; its values are made where it runs. */
export interface KernelInput {
  readonly name: string;
  readonly dtype: 'float32' | 'uint8';
  readonly shape: readonly number[];
}

/** A small graph that shows one limit of a machine, and how it is run. */
export interface KernelRequest {
  readonly path: string;
  /** As ONNX Runtime names it; any, not only those that models are measured on. */
  readonly executionProvider: string;
  readonly threads: number;
  readonly inputs: readonly KernelInput[];
  readonly runs: number;
  /** Prints on standard error where nodes were placed. */
  readonly verbose: boolean;
}

/** How a small graph ran. */
export interface KernelTimes {
  /** Of each run that counts. */
  readonly timesMs: readonly number[];
  readonly graphics: GraphicsTraces;
}

/** How a recording is heard that is not among those of the set-up. */
export interface Hearing extends Pick<ReadAudioOptions, 'channel' | 'maximumS'>, Guide {}

/** What a measuring process is asked, one at a time; `cancel` ends a `transcribe` between two segments. */
export type Request =
  | { readonly kind: 'load'; readonly setup: Setup }
  | { readonly kind: 'load-graph'; readonly setup: GraphSetup }
  | { readonly kind: 'load-stage'; readonly setup: StageSetup }
  | { readonly kind: 'run-stage'; readonly run: StageRun }
  | { readonly kind: 'trial'; readonly indices: readonly number[]; readonly judged: boolean }
  | { readonly kind: 'transcribe'; readonly path: string; readonly hearing: Hearing }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'kernel'; readonly kernel: KernelRequest }
  | { readonly kind: 'memory' };

/**
 * What it answers. `opened` comes before `loaded`, after the session was made and before the first run; a `segment` for each of a
 * recording before its `transcript`.
 */
export type Reply =
  | { readonly kind: 'opened'; readonly graphics: GraphicsTraces }
  | { readonly kind: 'loaded'; readonly loaded: Loaded }
  | { readonly kind: 'trial'; readonly trial: Trial }
  | { readonly kind: 'stage'; readonly times: StageTimes }
  | { readonly kind: 'segment'; readonly segment: TranscribedSegment; readonly text: string }
  | { readonly kind: 'transcript'; readonly transcript: Transcript }
  | { readonly kind: 'kernel'; readonly times: KernelTimes }
  | { readonly kind: 'memory'; readonly memory: ProcessMemory }
  | { readonly kind: 'failed'; readonly error: 'input' | 'unavailable' | 'fault'; readonly message: string };

/**
 * The process of one condition, started by {@link MeasuringProcess}: loads a model, holds the recordings in memory, and
 * runs a trial each time it is asked. What it answers is sent after the clock has stopped.
 */
import { InputError, UnavailableError } from '../errors.js';
import { CachedRecognizer } from '../recognise/cache/cachedRecognizer.js';
import { ResultCache } from '../recognise/cache/resultCache.js';
import { SimilarSounds } from '../recognise/cache/similarSounds.js';
import type { Decoder, Scores } from '../recognise/kinds/kind.js';
import { Recognizer } from '../recognise/recognizer.js';
import { type Transcript, transcribeFile } from '../recognise/transcribe.js';
import { readRecording } from '../speech/corpora/recordings.js';
import type { Audio, Recording } from '../speech/types.js';
import { BareGraph } from './graph.js';
import { readGraphics } from './graphics.js';
import { timeKernel } from './kernel.js';
import { readOwnMemory } from './processMemory.js';
import type {
  CacheSetup,
  GraphSetup,
  Hearing,
  Loaded,
  Reply,
  Request,
  Setup,
  StageRun,
  StageSetup,
  StageTimes,
  Trial,
} from './protocol.js';
import { StageGraph } from './stage.js';

/** Decoded sound that is kept, in bytes; of larger sets the rest is read again before each trial's clock starts. */
const KEPT_SOUND_BYTES = 512 * 2 ** 20;

/** Recordings as waveforms. */
class Sounds {
  readonly #recordings: readonly Recording[];
  readonly #kept = new Map<number, Audio>();
  #bytes = 0;

  constructor(recordings: readonly Recording[]) {
    this.#recordings = recordings;
  }

  recording(index: number): Recording {
    const recording = this.#recordings[index];
    if (recording === undefined) throw new RangeError(`no recording ${index}`);
    return recording;
  }

  async get(index: number): Promise<Audio> {
    const kept = this.#kept.get(index);
    if (kept !== undefined) return kept;
    const audio = await readRecording(this.recording(index));
    if (this.#bytes + audio.samples.byteLength <= KEPT_SOUND_BYTES) {
      this.#kept.set(index, audio);
      this.#bytes += audio.samples.byteLength;
    }
    return audio;
  }

  /** Reads what can be kept, so that a broken file shows before the first trial. */
  async preload(): Promise<void> {
    for (let index = 0; index < this.#recordings.length && this.#bytes < KEPT_SOUND_BYTES; index++) {
      await this.get(index);
    }
  }
}

let recognizer: Recognizer | undefined;
let graph: BareGraph | undefined;
let stage: StageGraph | undefined;
let secondDecoder: Decoder | undefined;
let references: Setup['references'];
let cached: CachedRecognizer | undefined;
let sounds = new Sounds([]);
let cancel: () => void = () => undefined;

async function load(setup: Setup): Promise<Loaded> {
  sounds = new Sounds(setup.recordings);
  await sounds.preload();
  const {
    executionProvider,
    threads,
    arena = true,
    spinning = true,
    verbose = false,
    optimizedFolder,
    decoder,
  } = setup;
  const options = { executionProvider, threads, arena, spinning, verbose, optimizedFolder, decoder };
  const started = performance.now();
  recognizer = await Recognizer.load(setup.model, options);
  const loadMs = performance.now() - started;
  if (setup.cache !== undefined) {
    const { cache, encoded } = await openCaches(setup.cache, recognizer.keeping !== undefined);
    const similar = setup.cache.similar && (await SimilarSounds.open(setup.cache.similar));
    cached = await CachedRecognizer.create(recognizer, setup.model, cache, {
      kinds: setup.cache.kinds,
      similar,
      encoded,
      session: { executionProvider, threads },
    });
  }
  if (setup.secondDecoder !== undefined) secondDecoder = await recognizer.stages?.createDecoder(setup.secondDecoder);
  references = setup.references;
  reply({ kind: 'opened', graphics: readGraphics() });
  let firstRunMs = 0;
  for (const [index, indices] of setup.warmUp.entries()) {
    const { totalMs } = await runTrial(indices);
    if (index === 0) firstRunMs = totalMs;
  }
  return { loadMs, firstRunMs };
}

/**
 * What encoders gave is ten thousand times as large as a transcript, and writing and reading it takes a fifth of an encoder's time:
 * it stays in memory, in most of the room, and the rest is for transcripts.
 */
async function openCaches(
  { memoryBytes, ...onDisk }: CacheSetup,
  encodes: boolean,
): Promise<{ readonly cache: ResultCache; readonly encoded?: ResultCache }> {
  if (!encodes) return { cache: await ResultCache.open({ memoryBytes, ...onDisk }) };
  const restBytes = memoryBytes / 8;
  return {
    cache: await ResultCache.open({ memoryBytes: restBytes, ...onDisk }),
    encoded: await ResultCache.open({ memoryBytes: memoryBytes - restBytes }),
  };
}

async function loadGraph(setup: GraphSetup): Promise<Loaded> {
  const opened = await BareGraph.load(setup);
  graph = opened.graph;
  return opened.loaded;
}

async function loadStage(setup: StageSetup): Promise<Loaded> {
  const opened = await StageGraph.load(setup);
  stage = opened.stage;
  return opened.loaded;
}

async function runStage(run: StageRun): Promise<StageTimes> {
  if (stage === undefined) throw new Error('a run was asked before a stage was loaded');
  return await stage.run(run);
}

async function runTrial(indices: readonly number[], judged = false): Promise<Trial> {
  if (graph !== undefined) return await graph.run(indices);
  if (recognizer === undefined) throw new Error('a trial was asked before a model was loaded');
  if (cached !== undefined && indices.length === 1) return await runCached(cached, indices[0] as number);
  const audios: Audio[] = [];
  for (const index of indices) audios.push(await sounds.get(index));
  const before = process.cpuUsage();
  const { decodings, scores, audioS, timing } = await recognizer.recognizeBatch(audios);
  const { user, system } = process.cpuUsage(before);
  return {
    utterances: indices.map((index) => sounds.recording(index).id),
    audioS,
    ...timing,
    cpuMs: (user + system) / 1000,
    texts: decodings.map(({ text }) => text),
    ...(judged && secondDecoder && scores && { secondTexts: decodeAgain(secondDecoder, scores) }),
    ...(judged && references && scores && { losses: lossesOf(references, indices, recognizer, scores) }),
  };
}

function decodeAgain(decoder: Decoder, scores: readonly Scores[]): readonly string[] {
  return scores.map((one) => decoder.decode(one).text);
}

function lossesOf(
  known: readonly string[],
  indices: readonly number[],
  { stages }: Recognizer,
  scores: readonly Scores[],
): Trial['losses'] {
  return scores.map((one, place) => stages?.lossOf(one, known[indices[place] as number] ?? '') ?? null);
}

/** A trial of one utterance whose results are kept. */
async function runCached(listener: CachedRecognizer, index: number): Promise<Trial> {
  const audio = await sounds.get(index);
  const { text, audioS, timing, kept } = await listener.recognize(audio);
  return { utterances: [sounds.recording(index).id], audioS, ...timing, texts: [text], kept };
}

async function transcribeAny(path: string, { prompt, language, ...reading }: Hearing): Promise<Transcript> {
  if (recognizer === undefined) throw new Error('a transcript was asked before a model was loaded');
  const listener = await (cached ?? recognizer).guided({ prompt, language });
  const giveUp = new AbortController();
  cancel = () => giveUp.abort(new InputError('recording: somebody who waits was required, got nobody; ask again'));
  return await transcribeFile(listener, path, {
    ...reading,
    signal: giveUp.signal,
    onSegment: (segment, text) => reply({ kind: 'segment', segment, text }),
  });
}

async function answer(request: Exclude<Request, { kind: 'cancel' }>): Promise<Reply> {
  try {
    switch (request.kind) {
      case 'load':
        return { kind: 'loaded', loaded: await load(request.setup) };
      case 'load-graph':
        return { kind: 'loaded', loaded: await loadGraph(request.setup) };
      case 'load-stage':
        return { kind: 'loaded', loaded: await loadStage(request.setup) };
      case 'run-stage':
        return { kind: 'stage', times: await runStage(request.run) };
      case 'trial':
        return { kind: 'trial', trial: await runTrial(request.indices, request.judged) };
      case 'transcribe':
        return { kind: 'transcript', transcript: await transcribeAny(request.path, request.hearing) };
      case 'kernel':
        return { kind: 'kernel', times: await timeKernel(request.kernel) };
      case 'memory':
        return { kind: 'memory', memory: readOwnMemory() };
    }
  } catch (error) {
    const kind = error instanceof InputError ? 'input' : error instanceof UnavailableError ? 'unavailable' : 'fault';
    return { kind: 'failed', error: kind, message: (error as Error).message };
  }
}

function reply(message: Reply): void {
  process.send?.(message);
}

// Ctrl-C reaches every process of a terminal; the one that started this decides what happens.
process.on('SIGINT', () => undefined);
// Without a parent nobody wants the result.
process.on('disconnect', () => process.exit(0));
process.on('message', (request: Request) => {
  if (request.kind === 'cancel') cancel();
  else void answer(request).then(reply);
});

import { join } from 'node:path';
import { InputError } from '../errors.js';
import { sha256OfBytes } from '../files.js';
import type { Hearing, Setup } from '../process/protocol.js';
import { resultKeyBases } from '../recognise/cache/cachedRecognizer.js';
import { ResultCache, type ResultCacheCounts } from '../recognise/cache/resultCache.js';
import type { DecoderOptions } from '../recognise/kinds/kind.js';
import type { Transcript } from '../recognise/transcribe.js';
import type { RecordingsFolder } from './body/recordingsFolder.js';
import { Flights, type OnSegment } from './flights.js';
import { Models, type ServedModel } from './models.js';
import type { Settings } from './options.js';
import { Workers } from './workers/workers.js';

/** A recording that a client wants to be heard. */
export interface Wish {
  readonly model: ServedModel;
  /** A file of the folder for recordings, which is removed as soon as it is not needed. */
  readonly path: string;
  /** Of its bytes. */
  readonly sha256: string;
  readonly hearing: Hearing;
  readonly client: string;
  /** The client has left. */
  readonly signal: AbortSignal;
  readonly onSegment?: OnSegment | undefined;
}

/** What was heard. */
export interface Heard {
  readonly transcript: Transcript;
  /** Whether it was kept from an earlier request with the same bytes. */
  readonly cached: boolean;
}

/** Raise it when the same file gives another answer: kept answers carry it. */
const ANSWER_VERSION = 4;

/** What stands between a request and the processes: answers that are kept, and what several ask for at the same time. */
export class Transcriber {
  readonly models: Models;
  readonly workers: Workers;
  readonly #settings: Settings;
  readonly #folder: RecordingsFolder;
  readonly #cache: ResultCache | null;
  readonly #flights = new Flights();

  private constructor(
    settings: Settings,
    folder: RecordingsFolder,
    models: Models,
    cache: ResultCache | null,
    onTrouble: (message: string) => void,
  ) {
    this.#settings = settings;
    this.#folder = folder;
    this.#cache = cache;
    this.models = models;
    const { workers: count, queueLimit, queueLimitMs, requestLimitMs, maximumMemoryBytes, workerPath } = settings;
    const setupOf = (model: ServedModel): Setup => this.#setupOf(model);
    const limits = { queueLimit, queueLimitMs, requestLimitMs, maximumMemoryBytes };
    this.workers = new Workers({ count, setupOf, ...limits, workerPath, onTrouble });
  }

  /**
   * Finds the models and starts the processes of the first.
   *
   * @throws {InputError} when a model cannot be loaded
   * @throws {UnavailableError} when the folder of the cache cannot be written
   */
  static async start(
    settings: Settings,
    folder: RecordingsFolder,
    onTrouble: (message: string) => void,
  ): Promise<Transcriber> {
    const { cache, models: names } = settings;
    const models = await Models.open(names, decoderOf(settings));
    const answers =
      cache === undefined ? null : await ResultCache.open({ ...cache, ...placeOf(cache.folder, 'answers') });
    const transcriber = new Transcriber(settings, folder, models, answers, onTrouble);
    try {
      await transcriber.workers.fleet.preload(models.first);
    } catch (error) {
      await transcriber.workers.stop();
      throw error;
    }
    return transcriber;
  }

  /** What the cache has done since the start. */
  get cacheCounts(): Pick<ResultCacheCounts, 'memoryHits' | 'diskHits' | 'misses' | 'failedWrites'> {
    return this.#cache?.counts ?? { memoryHits: 0, diskHits: 0, misses: 0, failedWrites: 0 };
  }

  /**
   * Hears a recording: from what is kept, together with whoever asks for the same, or by a process.
   *
   * @throws {InputError} when the recording cannot be read
   * @throws {BusyError} when too many wait, or its process ended or took too long
   */
  async hear(wish: Wish): Promise<Heard> {
    const { model, path, signal, onSegment = () => undefined } = wish;
    const key = this.#keyOf(wish);
    // A file that a computation reads is its own until it ends, even when whoever brought it has left.
    let isTaken = false;
    const compute = async (abandoned: AbortSignal, tell: OnSegment): Promise<Transcript> => {
      isTaken = true;
      try {
        const { hearing, client } = wish;
        const transcript = await this.workers.run({
          ...{ model, path, client, signal: abandoned, onSegment: tell },
          hearing: { maximumS: this.#settings.maximumS, ...hearing },
        });
        await this.#cache?.set(key, Buffer.from(JSON.stringify(transcript)));
        return transcript;
      } catch (error) {
        throw withoutPath(error, path);
      } finally {
        await this.#folder.remove(path);
      }
    };
    try {
      const kept = await this.#cache?.get(key);
      if (kept === undefined)
        return { transcript: await this.#flights.join(key, compute, signal, onSegment), cached: false };
      return { transcript: JSON.parse(Buffer.from(kept.bytes).toString('utf8')) as Transcript, cached: true };
    } finally {
      if (!isTaken) await this.#folder.remove(path);
    }
  }

  /**
   * Reads the models anew. What is under way is answered by those that it was asked of.
   *
   * @returns names of the models that are others now
   * @throws {InputError} when one cannot be loaded: those before go on
   */
  async reload(): Promise<readonly string[]> {
    const before = this.models.all;
    const next = await this.models.read();
    const changed = [...next.values()].filter((model) => !before.includes(model));
    const [first] = next.values();
    if (first !== undefined && changed.includes(first)) await this.workers.fleet.preload(first);
    this.models.replace(next);
    for (const model of before) if (next.get(model.id) !== model) this.workers.fleet.retire(model);
    return changed.map(({ id }) => id);
  }

  #keyOf({ model, sha256, hearing }: Wish): string {
    const { threads } = this.#settings;
    const { transcript } = resultKeyBases(model.model, model.sha256, { session: { threads } }, model.decoderKey);
    return sha256OfBytes(JSON.stringify([ANSWER_VERSION, transcript, sha256, hearing]));
  }

  #setupOf({ model }: ServedModel): Setup {
    const { cache, optimizedFolder, threads, workers } = this.#settings;
    return {
      ...{ model, executionProvider: 'cpu', threads, optimizedFolder, recordings: [], warmUp: [] },
      decoder: decoderOf(this.#settings),
      // Answers by file are kept here; a process keeps what it computes of the sound in them, for the same in another file.
      ...(cache !== undefined && {
        cache: {
          memoryBytes: cache.memoryBytes / (2 * workers),
          diskBytes: cache.diskBytes,
          ...placeOf(cache.folder, 'results'),
          ...(cache.similar && { similar: placeOf(cache.folder, 'similar') }),
        },
      }),
    };
  }
}

/** Adds when each word was said, where the kind of recogniser can tell. */
function decoderOf({ marginS }: Settings): DecoderOptions {
  return { wordTimes: true, ...(marginS !== undefined && { marginS }) };
}

/** The file is a name of ours that means nothing to the client. */
function withoutPath(error: unknown, path: string): unknown {
  if (!(error instanceof InputError) || !error.message.includes(path)) return error;
  return new InputError(error.message.replaceAll(path, 'body'), { cause: error });
}

function placeOf(folder: string | undefined, name: string): { readonly folder?: string } {
  return folder === undefined ? {} : { folder: join(folder, name) };
}

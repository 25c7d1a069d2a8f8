import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Upper ends of the latency histogram's buckets, in seconds: a short utterance takes some hundredths, an hour of sound a minute. */
const BUCKETS_S: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** How far back the sound a second is counted, in seconds: scrapers ask every 15 to 60 s. */
const RATE_WINDOW_S = 60;

/** Numbers that are read when somebody asks. */
export interface Gauges {
  /** Requests that wait for a process. */
  readonly queueLength: number;
  /** How long the oldest of them has waited. */
  readonly oldestWaitS: number;
  readonly workersReady: number;
  readonly workersBusy: number;
  readonly workerRestarts: number;
  readonly memoryHits: number;
  readonly diskHits: number;
  readonly cacheMisses: number;
  readonly cacheFailedWrites: number;
}

/** Counts what a service does, for Prometheus. */
export class ServiceMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'path' | 'code'>;
  readonly #durations: Histogram;
  readonly #audio: Counter;
  /** Seconds of sound by the second in which they were heard. */
  readonly #recent = new Map<number, number>();

  /** @param read - asked for each answer */
  constructor(read: () => Gauges) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      ...{ name: 'quantlab_requests_total', help: 'Answered requests; 499: the client left before its answer.' },
      ...{ labelNames: ['path', 'code'], registers },
    });
    const buckets = [...BUCKETS_S];
    const name = 'quantlab_transcription_duration_seconds';
    this.#durations = new Histogram({ name, help: 'Time from request to transcript.', buckets, registers });
    this.#audio = new Counter({
      name: 'quantlab_audio_seconds_total',
      help: 'Length of transcribed sound.',
      registers,
    });
    const gauge = (what: string, help: string, value: () => number): void => {
      new Gauge({
        ...{ name: `quantlab_${what}`, help, registers },
        collect(): void {
          this.set(value());
        },
      });
    };
    gauge('queue_length', 'Requests that wait for a process.', () => read().queueLength);
    gauge('queue_oldest_seconds', 'How long the oldest request has waited.', () => read().oldestWaitS);
    gauge('workers_ready', 'Processes that can transcribe.', () => read().workersReady);
    gauge('workers_busy', 'Processes that transcribe just now.', () => read().workersBusy);
    gauge('audio_seconds_per_second', 'Sound transcribed a second, over the last minute.', () => this.#audioRate());
    const counter = (
      what: string,
      help: string,
      values: () => Readonly<Record<string, number>>,
      label?: string,
    ): void => {
      new Counter({
        ...{ name: `quantlab_${what}_total`, help, registers, labelNames: label === undefined ? [] : [label] },
        collect(): void {
          this.reset();
          for (const [key, value] of Object.entries(values()))
            this.inc(label === undefined ? {} : { [label]: key }, value);
        },
      });
    };
    counter('worker_restarts', 'Processes that were replaced.', () => ({ all: read().workerRestarts }));
    const hits = (): Record<string, number> => ({ memory: read().memoryHits, disk: read().diskHits });
    counter('cache_hits', 'Transcripts that were known already.', hits, 'place');
    counter('cache_misses', 'Transcripts that were not.', () => ({ all: read().cacheMisses }));
    const failed = 'Transcripts that the disk of the cache had no room for.';
    counter('cache_failed_writes', failed, () => ({ all: read().cacheFailedWrites }));
  }

  /** Of {@link render}. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /**
   * Counts an answer.
   *
   * @param path - one of the service's own paths, or `other`: names that clients make up must not become labels
   * @param status - of HTTP, or 499
   */
  answered(path: string, status: number): void {
    this.#requests.inc({ path, code: String(status) });
  }

  /** Counts a transcript: the time from the request to its answer, and the length of the sound, in seconds. */
  transcribed(durationS: number, audioS: number): void {
    this.#durations.observe(durationS);
    this.#audio.inc(audioS);
    const now = this.#forgetOld();
    this.#recent.set(now, (this.#recent.get(now) ?? 0) + audioS);
  }

  /** Everything that was counted, in Prometheus' text form. */
  async render(): Promise<string> {
    return await this.#registry.metrics();
  }

  #audioRate(): number {
    this.#forgetOld();
    return [...this.#recent.values()].reduce((total, audioS) => total + audioS, 0) / RATE_WINDOW_S;
  }

  /** Also where nobody ever reads the rate: a service lives for months. @returns the second that it is */
  #forgetOld(): number {
    const now = Math.floor(performance.now() / 1000);
    for (const second of this.#recent.keys()) {
      if (second > now - RATE_WINDOW_S) break;
      this.#recent.delete(second);
    }
    return now;
  }
}

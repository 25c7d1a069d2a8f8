/** Upper ends of the latency histogram's buckets, in seconds: a short utterance takes some hundredths, an hour of sound a minute. */
const BUCKETS_S: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** Numbers that are read when somebody asks. */
export interface Gauges {
  /** Requests that wait for a process. */
  readonly queueLength: number;
  readonly workersReady: number;
  readonly workerRestarts: number;
  readonly memoryHits: number;
  readonly diskHits: number;
  readonly cacheMisses: number;
}

/** Content type of {@link ServiceMetrics.render}. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Counts what a service does, in Prometheus' text form.
 *
 * Source: Prometheus, "Exposition formats", text-based format 0.0.4.
 */
export class ServiceMetrics {
  readonly #answers = new Map<string, number>();
  readonly #buckets: number[] = BUCKETS_S.map(() => 0);
  #seconds = 0;
  #count = 0;
  #audioS = 0;

  /**
   * Counts an answer.
   *
   * @param path - one of the service's own paths, or `other`: names that clients make up must not become labels
   * @param status - of HTTP
   */
  answered(path: string, status: number): void {
    const labels = `path="${path}",code="${status}"`;
    this.#answers.set(labels, (this.#answers.get(labels) ?? 0) + 1);
  }

  /** Counts a transcript: the time from the request to its answer, and the length of the sound, in seconds. */
  transcribed(durationS: number, audioS: number): void {
    for (const [place, limit] of BUCKETS_S.entries()) {
      if (durationS <= limit) this.#buckets[place] = (this.#buckets[place] ?? 0) + 1;
    }
    this.#seconds += durationS;
    this.#count += 1;
    this.#audioS += audioS;
  }

  /** Everything that was counted, and what is given. */
  render(gauges: Gauges): string {
    const histogram = 'quantlab_transcription_duration_seconds';
    return [
      ...family('quantlab_requests_total', 'counter', 'Answered requests.', [...this.#answers]),
      `# HELP ${histogram} Time from request to transcript.`,
      `# TYPE ${histogram} histogram`,
      ...BUCKETS_S.map((limit, place) => `${histogram}_bucket{le="${limit}"} ${this.#buckets[place]}`),
      `${histogram}_bucket{le="+Inf"} ${this.#count}`,
      `${histogram}_sum ${this.#seconds}`,
      `${histogram}_count ${this.#count}`,
      ...family('quantlab_audio_seconds_total', 'counter', 'Length of transcribed sound.', [['', this.#audioS]]),
      ...family('quantlab_queue_length', 'gauge', 'Requests that wait for a process.', [['', gauges.queueLength]]),
      ...family('quantlab_workers_ready', 'gauge', 'Processes that can transcribe.', [['', gauges.workersReady]]),
      ...family('quantlab_worker_restarts_total', 'counter', 'Processes that were replaced.', [
        ['', gauges.workerRestarts],
      ]),
      ...family('quantlab_cache_hits_total', 'counter', 'Transcripts that were known already.', [
        ['place="memory"', gauges.memoryHits],
        ['place="disk"', gauges.diskHits],
      ]),
      ...family('quantlab_cache_misses_total', 'counter', 'Transcripts that were not.', [['', gauges.cacheMisses]]),
      '',
    ].join('\n');
  }
}

function family(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  samples: readonly (readonly [string, number])[],
): readonly string[] {
  const lines = samples.map(([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}`);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
}

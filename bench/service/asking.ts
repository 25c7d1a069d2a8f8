import type { Started } from './servers.js';

/** Asks a server for transcripts, and keeps how long each took. */
export class Asking {
  readonly #url: string;
  readonly #recordings: readonly Buffer[];
  /** In milliseconds, in the order of the answers. */
  readonly latencies: number[] = [];

  constructor({ url }: Started, recordings: readonly Buffer[]) {
    this.#url = `${url}/transcribe`;
    this.#recordings = recordings;
  }

  /** Our own generator asks nobody how many wait. */
  readonly waiting = (): null => null;

  readonly send = async (index: number): Promise<void> => {
    const started = performance.now();
    const body = new Uint8Array(this.#recordings[index] ?? []);
    const answer = await fetch(this.#url, { method: 'POST', body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${this.#url}: a transcript was required, got ${answer.status} ${text}`);
    this.latencies.push(performance.now() - started);
  };
}

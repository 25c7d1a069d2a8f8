import type { TranscribedSegment } from '../recognise/passage.js';
import type { Transcript } from '../recognise/transcribe.js';
import { RequestError } from './answers/refusal.js';

/** Told of each segment, with the text up to its end. */
export type OnSegment = (segment: TranscribedSegment, text: string) => void;

/** Computes a transcript until the signal says that nobody wants it any more. */
export type Compute = (signal: AbortSignal, onSegment: OnSegment) => Promise<Transcript>;

/** A transcript that is being computed, for as many as have asked for it. */
class Flight {
  readonly transcript: Promise<Transcript>;
  readonly #end = new AbortController();
  readonly #segments: (readonly [TranscribedSegment, string])[] = [];
  readonly #listeners = new Set<OnSegment>();
  #passengers = 0;

  constructor(compute: Compute) {
    this.transcript = compute(this.#end.signal, (segment, text) => {
      this.#segments.push([segment, text]);
      for (const listener of this.#listeners) listener(segment, text);
    });
    // Whoever has left does not hear of an error any more.
    this.transcript.catch(() => undefined);
  }

  /** Whether nobody wants it any more. */
  get abandoned(): boolean {
    return this.#end.signal.aborted;
  }

  async join(signal: AbortSignal, onSegment: OnSegment): Promise<Transcript> {
    signal.throwIfAborted();
    for (const [segment, text] of this.#segments) onSegment(segment, text);
    this.#listeners.add(onSegment);
    this.#passengers++;
    return await new Promise<Transcript>((resolve, reject) => {
      const leave = (): void => {
        this.#listeners.delete(onSegment);
        if (--this.#passengers === 0) this.#end.abort(signal.reason);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.transcript.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
    });
  }
}

/** Computes what several ask for at the same time once. */
export class Flights {
  readonly #flights = new Map<string, Flight>();

  /**
   * Waits for a transcript that is being computed, or begins to compute it.
   *
   * @param key - the same for the same transcript
   * @param compute - begun when nobody has asked for it yet
   * @param signal - whoever asks has left; when all have, the computation is told
   * @returns whatever `compute` returns
   */
  async join(key: string, compute: Compute, signal: AbortSignal, onSegment: OnSegment): Promise<Transcript> {
    let flight = this.#flights.get(key);
    if (flight === undefined || flight.abandoned) {
      const begun = new Flight(compute);
      flight = begun;
      this.#flights.set(key, begun);
      const land = (): void => {
        if (this.#flights.get(key) === begun) this.#flights.delete(key);
      };
      begun.transcript.then(land, land);
    }
    return await flight.join(signal, onSegment);
  }
}

/** Why a request is given up whose client has left. */
export function clientGone(): RequestError {
  return new RequestError('request: a client was required, got none any more; ask again', {
    ...{ status: 499, code: 'client_gone' },
  });
}

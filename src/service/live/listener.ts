import { joinTexts, splitAtSilence } from '../../speech/audio/segments.js';
import type { Audio } from '../../speech/types.js';
import { Agreement } from './agreement.js';
import { Endpointer } from './endpointer.js';

/** Hears one window of sound. */
export type HearWindow = (audio: Audio) => Promise<string>;

/** Told of what is heard. Times are seconds since the first sound. */
export interface LiveEvents {
  readonly onStarted: (turn: number, startS: number) => void;
  readonly onStopped: (turn: number, endS: number) => void;
  /** Words that stand. */
  readonly onDelta: (turn: number, delta: string) => void;
  readonly onFinal: (turn: number, text: string, audioS: number) => void;
  readonly onFailed: (turn: number, error: unknown) => void;
}

/** How turns are told apart. */
export interface LiveOptions {
  readonly sampleRateHz: number;
  /** A silence of this length ends a turn, in seconds; `null`: only {@link LiveListener.commit} does. */
  readonly silenceS: number | null;
  /** Sound before a turn that belongs to it, in seconds. */
  readonly prefixS: number;
}

/** A turn that lasts is heard in windows of at most this, which overlap where there is no silence: as recordings are cut. */
const WINDOW_S = 16;
/** New sound after which a turn that goes on is heard again, in seconds. */
const PARTIAL_S = 1;

/** Sound is looked at in pieces of this length, in seconds: a longer one may hold the end of a turn and the beginning of the next. */
const STEP_S = 0.1;

/** What of a turn is not heard to the end yet. */
interface Turn {
  readonly number: number;
  readonly agreement: Agreement;
  /** Sound of the window that is open. */
  samples: Float32Array;
  /** Text of the windows before. */
  text: string;
  /** Sound that the open window shares with the one before. */
  overlapS: number;
  audioS: number;
  /** Samples of the window when it was last heard. */
  heardAt: number;
}

/**
 * Hears sound that comes in pieces: a turn begins with speech and ends with silence. The window that is open is heard anew each second,
 * which a bidirectional network needs; words on which two hearings agree are told at once, the text of the turn when it has ended.
 */
export class LiveListener {
  readonly #options: LiveOptions;
  readonly #hear: HearWindow;
  readonly #events: LiveEvents;
  readonly #endpointer: Endpointer | null;
  #before: Float32Array = new Float32Array(0);
  #turn: Turn | undefined;
  #turns = 0;
  #samples = 0;
  #work: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(options: LiveOptions, hear: HearWindow, events: LiveEvents) {
    this.#options = options;
    this.#hear = hear;
    this.#events = events;
    this.#endpointer = options.silenceS === null ? null : new Endpointer(options.sampleRateHz, options.silenceS);
  }

  /** Windows that are heard or wait for it: a client that sends faster than is heard should wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Settles when all that has come is heard. */
  async settled(): Promise<void> {
    await this.#work;
  }

  /** Takes the next sound, of any length. */
  push(samples: Float32Array): void {
    const step = Math.round(STEP_S * this.#options.sampleRateHz);
    for (let from = 0; from < samples.length; from += step) this.#take(samples.subarray(from, from + step));
  }

  #take(samples: Float32Array): void {
    this.#samples += samples.length;
    if (this.#endpointer === null && this.#turn === undefined) this.#begin(samples.length);
    const events = this.#endpointer?.push(samples) ?? [];
    if (this.#turn === undefined) this.#keep(samples);
    else this.#extend(this.#turn, samples);
    for (const event of events) {
      if (event === 'stopped') this.#end();
      else if (this.#turn === undefined) this.#begin(0);
    }
  }

  /** Ends the turn now. @returns its number; `undefined` where nobody has spoken */
  commit(): number | undefined {
    this.#endpointer?.reset();
    return this.#end();
  }

  /** Forgets the turn that is open. */
  clear(): void {
    this.#endpointer?.reset();
    this.#turn = undefined;
    this.#before = new Float32Array(0);
  }

  #begin(lengthNow: number): void {
    const { sampleRateHz } = this.#options;
    const number = this.#turns++;
    const samples = this.#before;
    this.#before = new Float32Array(0);
    const startS = (this.#samples - lengthNow - samples.length) / sampleRateHz;
    this.#turn = { number, agreement: new Agreement(), samples, text: '', overlapS: 0, audioS: 0, heardAt: 0 };
    this.#events.onStarted(number, startS);
  }

  /** What comes before a turn: it begins before it is loud. */
  #keep(samples: Float32Array): void {
    const { sampleRateHz, prefixS } = this.#options;
    // Also what it takes until speech is told from a click.
    const most = Math.round((prefixS + STEP_S) * sampleRateHz);
    this.#before = join(this.#before, samples).slice(-Math.max(most, samples.length));
  }

  #extend(turn: Turn, samples: Float32Array): void {
    const { sampleRateHz } = this.#options;
    turn.samples = join(turn.samples, samples);
    while (turn.samples.length > WINDOW_S * sampleRateHz) this.#close(turn);
    if (turn.samples.length - turn.heardAt < PARTIAL_S * sampleRateHz || this.#waiting > 0) return;
    turn.heardAt = turn.samples.length;
    const audio = { samples: turn.samples, sampleRateHz };
    this.#then(turn, async () => this.#tell(turn, joinTexts(turn.text, await this.#hear(audio), turn.overlapS)));
  }

  /** Hears the first part of a window that is full; the rest is the next. */
  #close(turn: Turn): void {
    const { sampleRateHz } = this.#options;
    const [first, second] = splitAtSilence({ samples: turn.samples, sampleRateHz });
    if (first === undefined || second === undefined) return;
    turn.samples = turn.samples.slice(Math.round(second.startS * sampleRateHz));
    turn.heardAt = 0;
    this.#then(turn, async () => {
      turn.text = joinTexts(turn.text, await this.#hear(first.audio), turn.overlapS);
      turn.overlapS = second.overlapS;
      turn.audioS += second.startS;
      this.#tell(turn, turn.text);
    });
  }

  #tell(turn: Turn, text: string): void {
    const delta = turn.agreement.hear(text);
    if (delta !== '') this.#events.onDelta(turn.number, delta);
  }

  #end(): number | undefined {
    const turn = this.#turn;
    if (turn === undefined) return undefined;
    const { sampleRateHz } = this.#options;
    this.#turn = undefined;
    this.#events.onStopped(turn.number, this.#samples / sampleRateHz);
    const audio = { samples: turn.samples, sampleRateHz };
    this.#then(turn, async () => {
      const text = joinTexts(turn.text, await this.#hear(audio), turn.overlapS);
      this.#events.onFinal(turn.number, text, turn.audioS + audio.samples.length / sampleRateHz);
    });
    return turn.number;
  }

  /** One window after the other: a text is joined to the one before. */
  #then(turn: Turn, act: () => Promise<void>): void {
    this.#waiting++;
    this.#work = this.#work.then(act).catch((error: unknown) => this.#events.onFailed(turn.number, error));
    void this.#work.then(() => this.#waiting--);
  }
}

function join(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** What {@link Endpointer} heard in a piece of sound. */
export type SpeechEvent = 'started' | 'stopped';

/** Length of the pieces whose loudness is taken, in seconds. */
const FRAME_S = 0.02;
/** Loud frames in a row that begin a turn: a click is shorter. */
const FRAMES_TO_START = 4;
/** Speech is this many times as loud as what is heard between words (14 dB), and never below −54 dB of full scale. */
const [ABOVE_NOISE, LEAST_LEVEL] = [5, 0.002];
/** How fast the estimate of the noise follows louder and quieter frames. */
const [RISE, FALL] = [1.01, 0.9];

/**
 * Tells by loudness when somebody begins to speak and when he has been silent for a while. The level of silence follows the quietest of
 * what is heard. It hears no words: a door that slams begins a turn, too, whose text is empty.
 */
export class Endpointer {
  readonly #frame: number;
  readonly #framesToStop: number;
  #rest: number[] = [];
  #noise = LEAST_LEVEL / ABOVE_NOISE;
  #loud = 0;
  #quiet = 0;
  #isSpeaking = false;

  /** @param silenceS - how long a silence ends a turn, in seconds */
  constructor(sampleRateHz: number, silenceS: number) {
    this.#frame = Math.round(FRAME_S * sampleRateHz);
    this.#framesToStop = Math.max(1, Math.round(silenceS / FRAME_S));
  }

  /** Takes the next sound. @returns what happened, in order */
  push(samples: Float32Array): readonly SpeechEvent[] {
    const events: SpeechEvent[] = [];
    for (const sample of samples) {
      this.#rest.push(sample);
      if (this.#rest.length < this.#frame) continue;
      const event = this.#hear(Math.sqrt(this.#rest.reduce((sum, one) => sum + one * one, 0) / this.#frame));
      this.#rest = [];
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  /** Forgets that somebody speaks: what was said has been taken by other means. */
  reset(): void {
    this.#isSpeaking = false;
    this.#loud = 0;
    this.#quiet = 0;
  }

  #hear(level: number): SpeechEvent | undefined {
    const isLoud = level > Math.max(LEAST_LEVEL, this.#noise * ABOVE_NOISE);
    this.#noise = level < this.#noise ? this.#noise * FALL + level * (1 - FALL) : this.#noise * RISE;
    this.#noise = Math.max(this.#noise, LEAST_LEVEL / ABOVE_NOISE / 10);
    this.#loud = isLoud ? this.#loud + 1 : 0;
    this.#quiet = isLoud ? 0 : this.#quiet + 1;
    if (!this.#isSpeaking && this.#loud >= FRAMES_TO_START) {
      this.#isSpeaking = true;
      return 'started';
    }
    if (this.#isSpeaking && this.#quiet >= this.#framesToStop) {
      this.#isSpeaking = false;
      return 'stopped';
    }
    return undefined;
  }
}

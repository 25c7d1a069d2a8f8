import type { SpecialTokens } from './specialTokens.js';
import type { Weights } from './weights.js';
import type { WhisperShape } from './whisperShape.js';

/** What a folder of another program tells about a Whisper, besides its tokenizer. */
export interface ForeignModel {
  readonly weights: Weights;
  readonly shape: WhisperShape;
  readonly decoding: DecodingFacts;
  /** Whether it knows languages, where the folder says. */
  readonly isMultilingual?: boolean | undefined;
}

/** What a model's makers say about decoding. */
export interface DecodingFacts {
  /** Tokens that are never said: signs for what is no speech. */
  readonly suppressed: readonly number[];
  /** Tokens that a text does not begin with. */
  readonly suppressedAtBegin: readonly number[];
  /** Heads of the decoder whose attention follows the sound: layer and head. */
  readonly alignmentHeads?: readonly (readonly [layer: number, head: number])[] | undefined;
}

/** All that is needed to run an imported Whisper. */
export interface WhisperFacts extends SpecialTokens, DecodingFacts {
  readonly shape: WhisperShape;
}

import type { OnnxModel } from '../../onnx/model.js';
import type { EncoderDecoderCard, SpecialTokens } from '../kinds/encoderDecoder/card.js';
import type { WhisperShape } from './whisperShape.js';

/** The graphs of a model by their names in its card. */
export type ImportedGraphs = Readonly<Record<'encoder' | 'decoder', OnnxModel>> & {
  readonly decoderWithPast?: OnnxModel | undefined;
};

/** What a folder of another program tells about a Whisper, besides its tokenizer. */
export interface ForeignModel {
  /** Whose folder it is. */
  readonly program: string;
  readonly shape: WhisperShape;
  readonly graphs: ImportedGraphs;
  readonly layout: NonNullable<EncoderDecoderCard['layout']>;
  readonly decoding: DecodingFacts;
  /** Whether it knows languages, where the folder says. */
  readonly isMultilingual?: boolean | undefined;
}

/** What a model's makers say about decoding. */
export type DecodingFacts = Pick<SpecialTokens, 'suppressed' | 'suppressedFirst'> &
  Pick<EncoderDecoderCard, 'alignmentHeads'>;

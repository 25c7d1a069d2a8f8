import type { CardFile, CardGraph, ModelCard } from '../../card/card.js';

/** Tokens that mean more than text, by their ids. */
export interface SpecialTokens {
  /** Begins every text. */
  readonly start: number;
  readonly end: number;
  /** Says that nothing is said. */
  readonly noSpeech?: number | undefined;
  /** Asks for a text without times. */
  readonly noTimestamps?: number | undefined;
  /** The first of the tokens that say a time; the others follow, each 0.02 s later. */
  readonly firstTimestamp?: number | undefined;
  /** Begins what was said before. */
  readonly previous?: number | undefined;
  /** Asks for the text in the language that is spoken; of models of several languages. */
  readonly transcribe?: number | undefined;
  /** Asks for the text in English; of models of several languages. */
  readonly translate?: number | undefined;
  /** Of each language by its code, `de`; of models of several languages. */
  readonly languages?: Readonly<Record<string, number>> | undefined;
  /** Never written. */
  readonly suppressed?: readonly number[] | undefined;
  /** Never written first. */
  readonly suppressedFirst?: readonly number[] | undefined;
}

/** The card of a model whose one network reads the sound and whose other writes the text, token by token: Whisper. */
export interface EncoderDecoderCard extends ModelCard {
  readonly kind: 'encoder-decoder';
  readonly graphs: {
    readonly encoder: CardGraph;
    readonly decoder: CardGraph;
    /** Of the layout `optimum`, where the decoder of the first step is another graph than that of the others. */
    readonly decoderWithPast?: CardGraph | undefined;
  };
  /** The tokenizer in Hugging Face's form, `tokenizer.json`. */
  readonly files: { readonly tokenizer: CardFile };
  /** How the graphs' tensors are called: as `quantlab model import` writes them, or as Optimum and transformers.js. Default `own`. */
  readonly layout?: 'own' | 'optimum' | undefined;
  /** Layers of the decoder. */
  readonly layers: number;
  /** Heads of each of its attentions. */
  readonly heads: number;
  /** Width of its layers. */
  readonly width: number;
  /** What other programs ask for beside the graphs. */
  readonly sizes?:
    | Readonly<Record<'encoderLayers' | 'encoderHeads' | 'encoderFeed' | 'decoderFeed', number>>
    | undefined;
  /** Tokens that it knows. */
  readonly vocabulary: number;
  /** Tokens of the longest text, with those before it: 448 in Whisper. */
  readonly longestText: number;
  /** Length of the sound that it hears at once, in seconds: 30 in Whisper. */
  readonly windowS: number;
  readonly tokens: SpecialTokens;
  /** Pairs of a layer and a head whose attention follows the sound, where they are known: for the times of words. */
  readonly alignmentHeads?: readonly (readonly [layer: number, head: number])[] | undefined;
}

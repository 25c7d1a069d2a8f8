import type { Kind } from '../kind.js';
import type { EncoderDecoderCard } from './card.js';
import { encoderDecoderCardSchema } from './cardSchema.js';
import { openGraphFeeds } from './graphFeeds.js';
import { EncoderDecoderRecognizer } from './recognizer.js';
import { decoderKeyOf, speechOptionsOf } from './speechOptions.js';

/** Networks of which one reads the sound and another writes the text, token by token: Whisper. */
export const encoderDecoder: Kind<EncoderDecoderCard> = {
  name: 'encoder-decoder',
  decoderVersion: 3,
  schema: encoderDecoderCardSchema,
  filesBeside: () => [],
  complete: async (card) => card,
  dependencies: ({ tokens, layout, windowS, longestText }) => ({
    scores: [],
    text: [tokens, layout, windowS, longestText],
  }),
  load: async (model, options) => await EncoderDecoderRecognizer.load(model, options),
  describeDecoder: async (card, options) => {
    return { key: decoderKeyOf(speechOptionsOf(card, options)), warnings: [], tellsWords: false };
  },
  openFeeds: openGraphFeeds,
  judgedOutput: ({ layers, layout }, graph) => {
    if (graph !== 'encoder') return 'logits';
    return layout === 'optimum' ? 'last_hidden_state' : `cross_value_${layers - 1}`;
  },
};

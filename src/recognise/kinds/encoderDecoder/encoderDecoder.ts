import { UnavailableError } from '../../../errors.js';
import type { ResolvedModel } from '../../model.js';
import type { Kind } from '../kind.js';
import type { EncoderDecoderCard } from './card.js';
import { encoderDecoderCardSchema } from './cardSchema.js';

/** Networks of which one reads the sound and another writes the text, token by token: Whisper. */
export const encoderDecoder: Kind<EncoderDecoderCard> = {
  name: 'encoder-decoder',
  parts: ['features', 'encoder', 'decoder'],
  decoderVersion: 1,
  schema: encoderDecoderCardSchema,
  filesBeside: () => [],
  complete: async (card) => card,
  dependencies: ({ graphs: _graphs, frontEnd: _frontEnd, ...card }) => ({
    scores: [],
    text: [card.tokens, card.layout],
  }),
  load: async (model) => await refuse(model),
  describeDecoder: async () => ({ key: 'greedy', warnings: [] }),
  openFeeds: async (model) => await refuse(model),
  judgedOutput: ({ layers }, graph) => (graph === 'encoder' ? `cross_value_${layers - 1}` : 'logits'),
};

async function refuse({ path }: Pick<ResolvedModel, 'path'>): Promise<never> {
  throw new UnavailableError(
    `${path}: a model of the kind ctc was required, got encoder-decoder; it cannot be heard with yet`,
  );
}

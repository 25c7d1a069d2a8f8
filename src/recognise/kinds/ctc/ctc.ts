import { dirname, join } from 'node:path';
import { InputError } from '../../../errors.js';
import { DECODER_VERSION } from '../../../speech/decode/ctc.js';
import { createFrontEnd } from '../../../speech/features/features.js';
import type { Audio } from '../../../speech/types.js';
import type { Kind } from '../kind.js';
import type { CtcCard, CtcCardOnDisk } from './card.js';
import { ctcCardSchema } from './cardSchema.js';
import { createDecoder } from './decoder.js';
import { GraphTensors } from './graphTensors.js';
import { readLabelFile } from './labelFile.js';
import { CtcRecognizer } from './recognizer.js';

/**
 * Networks with one graph that gives at each step the probability of each label and of a blank (connectionist temporal
 * classification): Deep Speech 2, wav2vec 2.0, CTC Conformers.
 */
export const ctc: Kind<CtcCard, CtcCardOnDisk> = {
  name: 'ctc',
  decoderVersion: DECODER_VERSION,
  schema: ctcCardSchema,
  filesBeside: ({ labels }) => (typeof labels === 'string' ? [labels] : []),
  complete: completeLabels,
  dependencies: ({ tensors, labels, blank }) => ({ scores: [tensors], text: [labels, blank] }),
  load: async (model, options) => await CtcRecognizer.load(model, options),
  describeDecoder: async (card, options) => await createDecoder(card, options),
  openFeeds: async ({ card }, _graph, loaded) => {
    const tensors = new GraphTensors(card, loaded);
    const frontEnd = await createFrontEnd(card.frontEnd);
    return {
      async *of(audio: Audio) {
        yield tensors.feeds([frontEnd.compute(audio)]);
      },
      release: async () => undefined,
    };
  },
  judgedOutput: ({ tensors }) => tensors.logProbabilities,
};

async function completeLabels({ labels, blank, ...card }: CtcCardOnDisk, path: string): Promise<CtcCard> {
  if (typeof labels !== 'string') return { ...card, labels, blank: blank as number };
  const held = await readLabelFile(join(dirname(path), labels));
  const found = blank ?? held.blank;
  if (found === undefined || found >= held.labels.length) {
    const came = found === undefined ? 'none, and none that is called so in the file' : `${found}`;
    throw new InputError(
      `${path}: the index of the blank among the ${held.labels.length} labels of ${labels} was required, got ${came}; write it into the card`,
    );
  }
  return { ...card, labels: held.labels.with(found, ''), blank: found };
}

import { describe, expect, it } from 'vitest';
import { BeamSearch } from '../../../src/speech/decode/beamSearch.js';
import { Spelling } from '../../../src/speech/decode/spelling.js';
import { NgramModel } from '../../../src/speech/languageModel/ngram.js';
import { LABELS } from '../decoderFixtures.js';

const model = (...words: readonly string[]): NgramModel =>
  new NgramModel(
    1,
    ['<s>', '</s>', ...words].map((word) => ({ words: [word], log10Probability: -1, log10Backoff: 0 })),
  );

/** Log-probabilities that spell a text, a step a letter, with a blank between. */
function spelled(text: string, labels: readonly string[] = LABELS): Float32Array {
  const classes = [...text].flatMap((letter) => [labels.indexOf(letter), 0]);
  const data = new Float32Array(classes.length * labels.length).fill(-20);
  for (const [step, label] of classes.entries()) data[step * labels.length + label] = 0;
  return data;
}

describe('Spelling', () => {
  it.each([
    [LABELS, "don't", "don't"],
    [LABELS, 'don’t', "don't"],
    [LABELS, 'YES', 'yes'],
    [LABELS, 'für', undefined],
    [['', 'u\u0308', 'f', 'r'], 'für', 'fu\u0308r'],
    [['', 'ü', 'f', 'r'], 'fu\u0308r', 'für'],
    [['', '|', 'Y', 'E', 'S'], 'yes', 'YES'],
    [['', 'Y', 'E', 'S', 'y', 'e'], 'yes', undefined],
    [['<pad>', '▁the', 'r', 'e'], 'there', 'there'],
    [['<unk>', 'a'], 'unk', undefined],
  ])('of %j writes %s', (labels, word, expected) => {
    expect(new Spelling(labels).write(word)).toBe(expected);
  });
});

describe('a beam search', () => {
  it('takes a language model in the other case as the network writes it, and says so', () => {
    const upper = new BeamSearch(LABELS, 0, { languageModel: model('YES', 'HOLD') });
    expect(upper.warnings).toEqual([expect.stringMatching(/2 of its 2 words are in another case .*YES for yes/)]);
    const lower = new BeamSearch(LABELS, 0, { languageModel: model('yes', 'hold') });
    expect(lower.warnings).toEqual([]);
    const data = spelled('yes hold');
    const steps = data.length / LABELS.length;
    expect(upper.decode(data, steps)[0]).toEqual(lower.decode(data, steps)[0]);
    expect(upper.decode(data, steps)[0]?.text).toBe('yes hold');
  });

  it('says that a language model is of another language', () => {
    const { warnings } = new BeamSearch(LABELS, 0, { languageModel: model('да', 'нет', 'yes') });
    expect(warnings).toEqual([expect.stringMatching(/cannot write 2 of its 3 words \(да, нет\)/)]);
  });

  it('says which hot words have letters that the network lacks', () => {
    const { warnings } = new BeamSearch(LABELS, 0, {
      hotWords: new Map([
        ['café', 10],
        ['IVR', 10],
        ['hold', 10],
      ]),
    });
    expect(warnings).toEqual([expect.stringMatching(/^hot word café: the model has no label/)]);
  });
});

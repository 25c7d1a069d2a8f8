import { mkdtempSync } from 'node:fs';
import { copyFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CtcCard } from '../../../../src/recognise/kinds/ctc/card.js';
import { createDecoder, readBeamWeights, weightsPath } from '../../../../src/recognise/kinds/ctc/decoder.js';
import { tuneBeam, type WeightTrial } from '../../../../src/recognise/kinds/ctc/tuneBeam.js';
import type { DecoderOptions } from '../../../../src/recognise/kinds/kind.js';
import { BeamSearch } from '../../../../src/speech/decode/beamSearch.js';
import { decodeGreedy } from '../../../../src/speech/decode/ctc.js';
import { readArpa } from '../../../../src/speech/languageModel/arpa.js';
import { decoderFixture, LABELS, readMatrices, readReferenceBeams } from '../../../speech/decoderFixtures.js';
import { ctcModel } from '../../ctcModel.js';

const folder = mkdtempSync(join(tmpdir(), 'quantlab-decoder-'));
const languageModelPath = join(folder, 'prompts.arpa');
const utterances = (readReferenceBeams()[0]?.utterances ?? []).slice(0, 20).map(({ id, steps }) => {
  return { id, scores: { data: readMatrices().get(id) as Float32Array, steps } };
});

let card: CtcCard;

beforeAll(async () => {
  ({ card } = await ctcModel('deepspeech2-lstm'));
  await copyFile(decoderFixture('prompts.arpa'), languageModelPath);
});

describe('createDecoder', () => {
  const texts = async (options: DecoderOptions): Promise<string[]> => {
    const decoder = await createDecoder(card, options);
    return utterances.map(({ scores }) => decoder.decode(scores).text);
  };

  it('takes the best path, unless it is asked for a beam search', async () => {
    const greedy = utterances.map(({ scores }) => decodeGreedy(scores.data, scores.steps, LABELS, 0).text);
    expect(await texts({})).toEqual(greedy);
    const search = new BeamSearch(LABELS, 0, { languageModel: await readArpa(languageModelPath) });
    const beams = utterances.map(({ scores }) => search.decode(scores.data, scores.steps)[0]?.text);
    expect(await texts({ kind: 'beam', languageModelPath })).toEqual(beams);
    expect(beams).not.toEqual(greedy);
  });

  it('reads weights from the file beside the language model, unless they are given', async () => {
    const other = join(folder, 'tuned.arpa');
    await copyFile(languageModelPath, other);
    await writeFile(join(folder, 'tuned.json'), JSON.stringify({ built: {}, alpha: 3, beta: -2 }));
    const strong = await texts({ kind: 'beam', languageModelPath: other });
    expect(strong).toEqual(await texts({ kind: 'beam', languageModelPath, alpha: 3, beta: -2 }));
    expect(strong).not.toEqual(await texts({ kind: 'beam', languageModelPath }));
    expect(await texts({ kind: 'beam', languageModelPath: other, alpha: 0.5, beta: 1.5 })).toEqual(
      await texts({ kind: 'beam', languageModelPath }),
    );
    expect(await readBeamWeights(other)).toEqual({ alpha: 3, beta: -2 });
    expect(await readBeamWeights(languageModelPath)).toEqual({});
    await writeFile(join(folder, 'tuned.json'), '{"alpha": -1}');
    await expect(createDecoder(card, { kind: 'beam', languageModelPath: other })).rejects.toThrow(/field alpha/);
    expect(['a.arpa', 'b/a.arpa.gz', 'a'].map(weightsPath)).toEqual(['a.json', 'b/a.json', 'a.json']);
  });

  it('hears a hot word where it may be', async () => {
    const weak = { kind: 'beam', languageModelPath } as const;
    expect((await texts({ ...weak, hotWords: { thesable: 30 } })).join(' ')).toContain('thesable');
    expect((await texts(weak)).join(' ').split(' ')).not.toContain('thesable');
  });

  it('tells word times and confidence of a beam search', async () => {
    const decoder = await createDecoder(card, { kind: 'beam', languageModelPath, wordTimes: true });
    for (const { id, scores } of utterances) {
      const { text, words, confidence } = decoder.decode(scores);
      expect(words?.map(({ word }) => word).join(' '), id).toBe(text);
      // A step of this model is 40 ms.
      const ends = words?.flatMap(({ startS, endS }) => [startS, endS]) ?? [];
      expect(ends).toEqual([...ends].sort((a, b) => a - b));
      expect(ends.at(-1) ?? 0).toBeLessThanOrEqual(scores.steps * 0.04 + 1e-9);
      expect(confidence).toBeGreaterThan(0);
      expect(confidence).toBeLessThanOrEqual(1);
    }
  });

  it('has a key that differs where texts may', async () => {
    const keys = await Promise.all(
      [
        {},
        { wordTimes: true },
        { kind: 'beam' as const },
        { kind: 'beam' as const, languageModelPath },
        { kind: 'beam' as const, languageModelPath, alpha: 1 },
        { kind: 'beam' as const, languageModelPath, hotWords: { a: 1 } },
      ].map(async (options) => (await createDecoder(card, options)).key),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('refuses a decoder that is none, and a language model that is none', async () => {
    await expect(createDecoder(card, { kind: 'beam', beamWidth: 1e9 })).rejects.toThrow(/beamWidth: at most 10000/);
    await expect(createDecoder(card, { kind: 'best' as 'beam' })).rejects.toThrow(
      /greedy or beam was required, got best/,
    );
    const missing = createDecoder(card, { kind: 'beam', languageModelPath: join(folder, 'none.arpa') });
    await expect(missing).rejects.toThrow(/none.arpa: a file was required/);
  });
});

describe('tuneBeam', () => {
  it('finds weights that err no more than any it has tried', async () => {
    const languageModel = await readArpa(languageModelPath);
    // What the best of other weights hear is taken for the truth: so these are there to be found.
    const truth = new BeamSearch(LABELS, 0, { languageModel, alpha: 1.2, beta: -2, beamWidth: 8 });
    const scored = utterances.slice(0, 8).map(({ scores }) => {
      return { scores, reference: truth.decode(scores.data, scores.steps)[0]?.text ?? '' };
    });
    const trials: WeightTrial[] = [];
    const { best, defaults } = tuneBeam(card, languageModel, scored, {
      beamWidth: 8,
      onTrial: (trial) => trials.push(trial),
    });
    expect(trials[0]).toEqual(defaults);
    expect(Math.min(...trials.map(({ wer }) => wer))).toBe(best.wer);
    expect(best.wer).toBeLessThan(defaults.wer);
    expect(best.weights.beamWidth).toBe(8);
    expect(() => tuneBeam(card, languageModel, [], { beamWidth: 8 })).toThrow(/one utterance or more/);
  });
});

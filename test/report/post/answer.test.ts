import { describe, expect, it } from 'vitest';
import { verdictOf } from '../../../src/report/metric.js';
import { answerOf } from '../../../src/report/post/answer.js';
import type { Comparison, Summary } from '../../../src/study/schema.js';
import { readInventedLaboratory, readInventedRun } from '../fixture.js';

async function answerWith(changes: Partial<Comparison>): Promise<string> {
  const { summary } = readInventedRun();
  const conditions = summary.conditions.map((entry) =>
    entry.comparison ? { ...entry, comparison: { ...entry.comparison, ...changes } } : entry,
  );
  return answerOf({ ...summary, conditions });
}

describe('answer', () => {
  it('is undecided when the interval holds the neutral value', () => {
    expect(verdictOf({ value: 1.2, low: 0.9, high: 1.5 }, 1)).toBe('undecided');
    expect(verdictOf({ value: 1.2, low: 1.1, high: 1.5 }, 1)).toBe('above');
    expect(verdictOf({ value: 0.8, low: 0.7, high: 0.9 }, 1)).toBe('below');
  });

  it('says what the numbers say, whatever their sign', async () => {
    expect(await answerWith({})).toMatch(
      /^Beside CPU float32, CPU int8 dynamic is 1\.84 times as fast \(1\.79 to 1\.90\), and has a file \S+ times smaller\. No difference in word errors is shown: the rate changes by \S+ points \([^()]+\)\.$/,
    );
    const speed = (value: number, low: number, high: number): Promise<string> =>
      answerWith({ latencySpeedUp: { value, low, high, draws: 'turns' } });
    expect(await speed(0.8, 0.7, 0.9)).toContain('is 0.80 times as fast (0.70 to 0.90), which is slower, and');
    expect(await speed(1.1, 0.9, 1.3)).toContain(
      'is 1.10 times as fast (0.90 to 1.30), which shows no difference, and',
    );
    const words = (value: number, low: number, high: number): Promise<string> =>
      answerWith({ werChange: { value, low, high } });
    expect(await words(0.02, 0.01, 0.03)).toContain(
      'It makes more word errors: the rate changes by +2.00 points (+1.00',
    );
    expect(await words(-0.02, -0.03, -0.01)).toContain('It makes fewer word errors: the rate changes by −2.00 points');
    expect(await answerWith({ compression: 0.5 })).toContain('2.00 times larger');
  });

  it('answers for each model, in the order of the run', () => {
    const { summary } = readInventedLaboratory();
    expect(answerOf(summary)).toMatch(
      /^Beside deepspeech2-lstm, float32, deepspeech2-lstm, int8 dynamic is .*\. Beside whisper-ctc, float32, whisper-ctc, int8 dynamic is .*\.$/,
    );
    // A parenthesis inside a parenthesis is read twice.
    expect(answerOf(summary)).not.toMatch(/\([^()]*\(/);
  });

  it('names a further variant where it is better than the first in words and in size, and only there', () => {
    const { summary } = readInventedRun();
    const [, first] = summary.conditions;
    if (first?.outcome.status !== 'measured' || !first.accuracy) throw new Error('a measured variant is required');
    const { accuracy, outcome } = first;
    const withThird = (wer: number, sizeBytes: number): Summary => ({
      ...summary,
      conditions: [
        ...summary.conditions,
        {
          ...first,
          condition: { ...first.condition, id: 'third', title: 'The third' },
          accuracy: { ...accuracy, wer: { value: 0.55 * wer, low: 0.5 * wer, high: 0.6 * wer } },
          outcome: { ...outcome, sizeBytes: outcome.sizeBytes * sizeBytes },
        },
      ],
    });
    expect(answerOf(withThird(0.5, 0.9))).toMatch(
      /^Beside CPU float32, CPU int8 dynamic is .*\. Beside CPU float32, The third is /,
    );
    for (const other of [withThird(0.9, 0.9), withThird(1.1, 0.9), withThird(0.5, 1.1)])
      expect(answerOf(other)).toBe(answerOf(summary));
  });

  it('has no answer without a measured variant, and says why', async () => {
    const { summary } = readInventedRun();
    const only: Summary = { ...summary, conditions: summary.conditions.filter(({ comparison }) => !comparison) };
    expect(answerOf(only)).toMatch(/no answer.*GPU float32 was skipped/);
  });
});

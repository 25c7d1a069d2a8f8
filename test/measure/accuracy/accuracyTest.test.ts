// Expected values: the normal approximation of a share, by hand; MLPerf's gate is 99 % of the accuracy of the reference.
import { describe, expect, it } from 'vitest';
import { testAccuracy, type UtteranceErrors } from '../../../src/measure/accuracy/accuracyTest.js';

/** Utterances of ten words, two of them wrong; in a share of them the other has one more. */
function heard(count: number, share: number): readonly UtteranceErrors[] {
  return Array.from({ length: count }, (_, place) => {
    const more = Math.floor((place + 1) * share) - Math.floor(place * share);
    return { base: 2, other: 2 + more, words: 10 };
  });
}

describe('testAccuracy', () => {
  it('shows that a variant loses less than a point', () => {
    // One word more in 8 of 400 utterances: 0.2 points, standard error √(0.02 · 0.98 / 400) / 10 = 0.07 points.
    const { words, mostChange, withinMargin, visibleChange, gate } = testAccuracy(heard(400, 0.02), null);
    expect(words).toBe(4000);
    expect(mostChange).toBeGreaterThan(0.0028);
    expect(mostChange).toBeLessThan(0.0035);
    expect(withinMargin).toBe('shown');
    expect(visibleChange).toBeCloseTo(2.4865 * 0.0007, 4);
    expect(gate?.kept).toBeCloseTo(0.798 / 0.8, 10);
    expect(gate).toMatchObject({ passes: true, withinGate: 'shown' });
  });

  it('does not where the bound lies beyond, though the point value does not', () => {
    // 0.95 points, standard error 0.147.
    const { mostChange, withinMargin, gate } = testAccuracy(heard(400, 0.095), null);
    expect(mostChange).toBeGreaterThan(0.0113);
    expect(withinMargin).toBe('not shown');
    expect(gate?.kept).toBeCloseTo(0.7905 / 0.8, 10);
    expect(gate).toMatchObject({ passes: false, withinGate: 'not shown' });
  });

  it('says of too few words what they could have shown', () => {
    const { withinMargin, visibleChange, gate } = testAccuracy(heard(100, 0.02), null);
    expect(withinMargin).toBe('too few words');
    expect(visibleChange).toBeCloseTo(2.4865 * 0.0014, 3);
    expect(gate).toMatchObject({ passes: true, withinGate: 'too few words' });
  });

  it('takes the less sure of utterances and speakers', () => {
    // All that is lost is lost with one of eight speakers.
    const utterances = Array.from({ length: 400 }, (_, place) => {
      return { base: 2, other: place < 50 ? 2 + (place % 2) : 2, words: 10 };
    });
    const speakers = utterances.map((_, place) => `${Math.floor(place / 50)}`);
    const [alone, spoken] = [testAccuracy(utterances, null), testAccuracy(utterances, speakers)];
    expect(spoken.mostChange).toBeGreaterThan(1.3 * alone.mostChange);
    expect(spoken.visibleChange).toBeGreaterThan(1.3 * alone.visibleChange);
  });

  it('has no gate where the base has no accuracy to keep', () => {
    expect(testAccuracy([{ base: 3, other: 2, words: 3 }], null).gate).toBeNull();
  });
});

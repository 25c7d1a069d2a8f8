import { describe, expect, it } from 'vitest';
import { manifestPath } from '../../../src/recognise/registry/embedded.js';
import { readManifest } from '../../../src/speech/corpora/manifest.js';
import { areNearTraining } from '../../../src/speech/corpora/nearPrompts.js';

describe('areNearTraining', () => {
  it('finds what differs from a training prompt by a quarter of its words at most', async () => {
    // `agent-newlocation` of the training part, word for word, with one of its words replaced, and with all of them.
    const text = 'please enter a new extension followed by pound';
    const words = text.split(' ');
    const [same, one, none] = [text, [...words.slice(0, -1), 'hash'].join(' '), words.map(() => 'la').join(' ')];
    expect(await areNearTraining([same, one, none])).toEqual([true, true, false]);
  });

  it('finds eleven in the hold-out', async () => {
    const near = await areNearTraining((await readManifest(manifestPath('holdout'))).map(({ text }) => text));
    expect(near.filter(Boolean)).toHaveLength(11);
  });
});

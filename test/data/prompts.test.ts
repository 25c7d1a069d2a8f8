import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { markInVocabulary, parsePromptList, splitPrompts, writePromptSets } from '../../data/speech/prompts.js';
import { normaliseTranscript } from '../../src/speech/text/transcript.js';

describe('transcripts', () => {
  it.each([
    ['Press 1, or dial 600 & say: re-record!', 'press one or dial six zero zero and say re record'],
    ["...if you'd like   to", "if you'd like to"],
    ['A.M.', 'a m'],
    ['0 10 13 20 42 99 100 007', 'zero ten thirteen twenty forty two ninety nine one zero zero zero zero seven'],
    ['3D audio', 'three d audio'],
    ['', ''],
    ['—…', ''],
  ])('%j becomes %j', (given, expected) => {
    expect(normaliseTranscript(given)).toBe(expected);
  });
});

describe('the list of prompts', () => {
  it('leaves out comments, sounds, remarks and what has no words', () => {
    const list = '; Core: sounds\n\nadded: Added.\nbeep: [beep]\nvm-x: Hello (softly)\nnone: ...\ndigits/1: 1: one\n';
    expect(parsePromptList(list)).toEqual([
      { name: 'added', text: 'added' },
      { name: 'digits/1', text: 'one one' },
    ]);
  });
});

describe('the division', () => {
  const prompts = Array.from({ length: 200 }, (_, index) => ({ name: `p${index}`, text: `sentence ${index % 190}` }));

  it('sorts by the MD5 of the name and keeps judged sentences out of the training part', () => {
    const { holdout, dev, calibration, training } = splitPrompts(prompts, ['p3', 'p1']);
    expect(holdout.map(({ name }) => name)).toEqual(['p3', 'p1']);
    expect([dev.length, calibration.length]).toEqual([64, 64]);
    // From: printf p%s | md5sum for 0…199 without 1 and 3, sorted (GNU coreutils 9.1).
    expect(dev.slice(0, 3).map(({ name }) => name)).toEqual(['p199', 'p22', 'p161']);
    const judged = new Set([...holdout, ...dev].map(({ text }) => text));
    expect(training.some(({ text }) => judged.has(text))).toBe(false);
    // p193 repeats the sentence of p3, p191 that of p1.
    expect(training.map(({ name }) => name)).not.toContain('p193');
    expect(training.length).toBe(
      200 - 2 - 64 - [...prompts].filter((p) => !holdout.includes(p) && !dev.includes(p) && judged.has(p.text)).length,
    );
  });

  it('does not depend on the order of the candidates', () => {
    expect(splitPrompts([...prompts].reverse(), ['p3'])).toEqual(splitPrompts(prompts, ['p3']));
  });

  it('names a hold-out prompt that is missing', () => {
    expect(() => splitPrompts(prompts, ['p3', 'gone'])).toThrow(/hold-out prompt gone: .* got none/);
  });

  it('marks prompts of known words only', () => {
    const training = [{ name: 'a', text: 'press one' }];
    const marks = markInVocabulary(
      [
        { name: 'b', text: 'one one press' },
        { name: 'c', text: 'press on' },
      ],
      training,
    );
    expect(marks).toEqual([true, false]);
  });
});

describe('making the sets', () => {
  it('says which file of the packages is missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-prompts-'));
    try {
      const folders = { packages: folder, holdoutList: join(folder, 'holdout.txt'), target: join(folder, 'out') };
      await expect(writePromptSets(folders)).rejects.toThrow(/en_US_f_Allison: a file was required, got nothing/);
      await mkdir(join(folder, 'usr/share/asterisk/sounds/en_US_f_Allison'), { recursive: true });
      await expect(writePromptSets(folders)).rejects.toThrow(/core-sounds-en\.txt\.gz: a file was required/);
      const doc = join(folder, 'usr/share/doc/asterisk-core-sounds-en');
      await mkdir(doc, { recursive: true });
      await writeFile(join(doc, 'core-sounds-en.txt.gz'), gzipSync('added: Added.\n'));
      await expect(writePromptSets(folders)).rejects.toThrow(/holdout\.txt: a file was required/);
      await writeFile(folders.holdoutList, 'added\n');
      // A transcript without its recording is no candidate.
      await expect(writePromptSets(folders)).rejects.toThrow(/hold-out prompt added/);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('copies recordings as they are and writes manifests, lists and checksums', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quantlab-prompts-'));
    try {
      const speech = new URL('../../data/speech/', import.meta.url);
      const recording = await readFile(new URL('audio/added.flac', speech));
      const sounds = join(folder, 'usr/share/asterisk/sounds/en_US_f_Allison');
      const doc = join(folder, 'usr/share/doc/asterisk-core-sounds-en');
      await mkdir(join(sounds, 'digits'), { recursive: true });
      await mkdir(doc, { recursive: true });
      await writeFile(join(sounds, 'added.flac'), recording);
      await writeFile(join(sounds, 'digits/1.flac'), recording);
      await writeFile(join(doc, 'core-sounds-en.txt.gz'), gzipSync('added: Added.\ndigits/1: Added 1.\n'));
      await writeFile(join(folder, 'holdout.txt'), 'added\n');
      const target = join(folder, 'out');
      await writePromptSets({ packages: folder, holdoutList: join(folder, 'holdout.txt'), target });
      const line = JSON.parse(await readFile(join(target, 'holdout.jsonl'), 'utf8')) as unknown;
      expect(line).toEqual({
        id: 'added',
        audio_filepath: 'audio/added.flac',
        duration: 0.723125,
        text: 'added',
        speaker: 'allison',
        in_vocabulary: true,
      });
      expect((await readFile(join(target, 'audio/digits/1.flac'))).equals(recording)).toBe(true);
      expect((await readFile(join(target, 'SHA256SUMS'), 'utf8')).split('\n').length).toBe(9);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

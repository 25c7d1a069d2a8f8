import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { readArpa } from '../../src/speech/languageModel/arpa.js';
import { digestOf } from '../../src/speech/languageModel/sentences.js';
import { trainingSentences } from '../speech/decoderFixtures.js';
import { quantlab } from './terminal.js';

const SPEECH = fileURLToPath(new URL('../../data/speech/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'quantlab-lm-'));

afterAll(() => rmSync(folder, { recursive: true }));

/** First lines of a manifest of the package, as a manifest of its own. */
function part(set: string, lines: number): string {
  const path = join(folder, `${set}.jsonl`);
  const rows = readFileSync(join(SPEECH, `${set}.jsonl`), 'utf8')
    .trim()
    .split('\n')
    .slice(0, lines);
  const moved = rows.map((row) => {
    const fields = JSON.parse(row) as Record<string, unknown>;
    return JSON.stringify({ ...fields, audio_filepath: join(SPEECH, fields['audio_filepath'] as string) });
  });
  writeFileSync(path, moved.join('\n'));
  return path;
}

describe('quantlab lm', () => {
  const out = join(folder, 'small.arpa.gz');
  const texts = trainingSentences().map((words) => words.join(' '));
  const judged = ['holdout', 'dev'].flatMap((set) =>
    readFileSync(join(SPEECH, `${set}.jsonl`), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { text: string }).text),
  );

  it('builds a model without a sentence of the judged sets, and says what went into it', async () => {
    writeFileSync(join(folder, 'a.txt'), [...texts.slice(0, 200), ...judged].join('\n'));
    writeFileSync(join(folder, 'b.txt'), ['Press 1 -- please!', ...texts.slice(200)].join('\n'));
    const files = [join(folder, 'a.txt'), join(folder, 'b.txt')];
    const built = await quantlab('lm', 'build', ...files, '-o', out, '--order', '2', '--mix-for', 'dev', '--json');
    expect(built.exitCode).toBe(0);
    const record = JSON.parse(built.out) as { texts: { leftOut: number; weight: number }[]; ngrams: number[] };
    expect(record.texts[0]?.leftOut).toBe(judged.length);
    expect(record.texts[1]?.leftOut).toBe(0);
    expect(record.texts.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 3);
    const model = await readArpa(out);
    expect(model.order).toBe(2);
    expect([...model.ngrams(2)]).toHaveLength(record.ngrams[1] ?? 0);
    const digests = new Set(readFileSync(join(folder, 'small.sentences'), 'utf8').trim().split('\n'));
    expect(digests.has(digestOf('press one please'))).toBe(true);
    for (const sentence of judged) expect(digests.has(digestOf(sentence)), sentence).toBe(false);
  });

  it('tunes weights on a development set, and evaluate and transcribe decode with them', async () => {
    const tuned = await quantlab(
      'lm',
      'tune',
      out,
      '--manifest',
      part('dev', 3),
      '--beam-width',
      '8',
      '--threads',
      '1',
    );
    expect(tuned.exitCode).toBe(0);
    expect(tuned.out).toMatch(/greedy .*\ndefaults .*\ntuned /);
    const beside = JSON.parse(readFileSync(join(folder, 'small.json'), 'utf8')) as Record<string, unknown>;
    expect(beside).toMatchObject({ beamWidth: 8, built: { prune: [0] }, tuned: { utterances: 3 } });
    const beam = ['--decoder', 'beam', '--lm', out, '--threads', '1'];
    const evaluated = await quantlab('evaluate', '--manifest', part('holdout', 3), ...beam);
    expect(evaluated.exitCode).toBe(0);
    const audio = join(SPEECH, 'audio', 'auth-thankyou.flac');
    const { exitCode, out: json } = await quantlab('transcribe', audio, ...beam, '--hot-word', 'thank=4', '--json');
    expect(exitCode).toBe(0);
    const [transcript] = JSON.parse(json) as { text: string; segments: { words: { word: string }[] }[] }[];
    expect(transcript?.segments[0]?.words.map(({ word }) => word).join(' ')).toBe(transcript?.text);
  });

  it('refuses another ending, options without the beam search, and files that are missing', async () => {
    expect((await quantlab('lm', 'build', join(folder, 'a.txt'), '-o', 'x.txt')).exitCode).toBe(2);
    expect((await quantlab('evaluate', '--lm', out)).exitCode).toBe(2);
    expect((await quantlab('evaluate', '--decoder', 'best')).exitCode).toBe(2);
    const missing = await quantlab('lm', 'build', join(folder, 'none.txt'), '-o', out);
    expect(missing.exitCode).toBe(1);
    expect(missing.err).toMatch(/none.txt: a file was required/);
    expect((await quantlab('lm', 'tune', join(folder, 'none.arpa'))).exitCode).toBe(1);
  });
});

describe('the language model of the package', () => {
  const LM = fileURLToPath(new URL('../../data/lm/', import.meta.url));
  const record = JSON.parse(readFileSync(join(LM, 'prompts.json'), 'utf8')) as {
    built: { ngrams: number[]; distinctSentences: number };
  };

  it('is what its record says', async () => {
    const model = await readArpa(join(LM, 'prompts.arpa.gz'));
    const counts = Array.from({ length: model.order }, (_, i) => [...model.ngrams(i + 1)].length);
    expect(counts).toEqual(record.built.ngrams);
  });

  it('has learnt no sentence of the hold-out or of dev', () => {
    const digests = readFileSync(join(LM, 'prompts.sentences'), 'utf8').trim().split('\n');
    expect(digests).toHaveLength(record.built.distinctSentences);
    const learnt = new Set(digests);
    // The prompts' training part is in it, so the digests are of the same form.
    expect(trainingSentences().filter((words) => learnt.has(digestOf(words.join(' ')))).length).toBeGreaterThan(300);
    for (const set of ['holdout', 'dev']) {
      for (const line of readFileSync(join(SPEECH, `${set}.jsonl`), 'utf8')
        .trim()
        .split('\n')) {
        const { text } = JSON.parse(line) as { text: string };
        expect(learnt.has(digestOf(text)), text).toBe(false);
      }
    }
  });
});

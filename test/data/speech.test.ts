// The embedded speech, against the project's rule. Expected counts: hold-out of 129 prompts, 362 s, 820 words, 57 of
// them (367 words) in vocabulary, as the rule's author stated them; 542 candidates of 568 recordings.
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { markInVocabulary, splitPrompts } from '../../data/speech/prompts.js';
import { readAudio } from '../../src/speech/audio/audio.js';
import { readHeaderDuration } from '../../src/speech/audio/duration.js';
import { normaliseTranscript } from '../../src/speech/text/transcript.js';

const speech = new URL('../../data/speech/', import.meta.url);
const path = (name: string): string => fileURLToPath(new URL(name, speech));

const lineSchema = z.strictObject({
  id: z.string().min(1),
  audio_filepath: z.string().startsWith('audio/'),
  duration: z.number().positive(),
  text: z.string().regex(/^[a-z']+( [a-z']+)*$/),
  speaker: z.literal('allison'),
  in_vocabulary: z.boolean().optional(),
});
type Line = z.infer<typeof lineSchema>;

async function readPart(part: string): Promise<readonly Line[]> {
  const text = await readFile(path(`${part}.jsonl`), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => lineSchema.parse(JSON.parse(line)));
}

async function readNames(part: string): Promise<readonly string[]> {
  return (await readFile(path(`${part}.txt`), 'utf8')).trimEnd().split('\n');
}

const [holdout, dev, calibration, holdoutNames, training] = await Promise.all([
  readPart('holdout'),
  readPart('dev'),
  readPart('calibration'),
  readNames('holdout'),
  readNames('training'),
]);
const sentences = new Map(
  (await readFile(path('transcripts.tsv'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line): [string, string] => [line.split('\t')[0] ?? '', line.split('\t')[1] ?? '']),
);
const md5 = (name: string): string => createHash('md5').update(name).digest('hex');
const ids = (lines: readonly Line[]): string[] => lines.map(({ id }) => id);
const words = (lines: readonly Line[]): number => lines.reduce((sum, { text }) => sum + text.split(' ').length, 0);
const seconds = (lines: readonly Line[]): number => lines.reduce((sum, { duration }) => sum + duration, 0);

describe('the embedded speech', () => {
  it('has the counts of the rule', () => {
    expect([holdout.length, words(holdout)]).toEqual([129, 820]);
    expect(seconds(holdout)).toBeCloseTo(362.004, 3);
    const known = holdout.filter((line) => line.in_vocabulary);
    expect([known.length, words(known)]).toEqual([57, 367]);
    expect([dev.length, words(dev), calibration.length, words(calibration)]).toEqual([64, 582, 64, 308]);
    expect(seconds(dev)).toBeCloseTo(245.37, 2);
    expect(seconds(calibration)).toBeCloseTo(139.72, 2);
    expect(training.length).toBe(341);
    expect(holdout.every((line) => line.in_vocabulary !== undefined)).toBe(true);
  });

  it('has the hold-out in the order of its list', () => {
    expect(ids(holdout)).toEqual(holdoutNames);
    // The list was drawn by md5(name) mod 3 = 0.
    expect(holdoutNames.every((name) => BigInt(`0x${md5(name)}`) % 3n === 0n)).toBe(true);
  });

  it('has disjoint lists, by name', () => {
    for (const lines of [ids(holdout), ids(dev), ids(calibration), training]) {
      expect(new Set(lines).size).toBe(lines.length);
    }
    const judged = [...ids(holdout), ...ids(dev)];
    expect(new Set(judged).size).toBe(judged.length);
    expect([...training, ...ids(calibration)].filter((name) => judged.includes(name))).toEqual([]);
  });

  it('has disjoint lists, by sentence', () => {
    const texts = (names: readonly string[]): Set<string | undefined> =>
      new Set(names.map((name) => sentences.get(name)));
    const trained = texts(training);
    expect(trained.has(undefined)).toBe(false);
    for (const judged of [texts(ids(holdout)), texts(ids(dev))]) {
      expect([...judged].filter((text) => trained.has(text))).toEqual([]);
    }
    expect([...texts(ids(holdout))].filter((text) => texts(ids(dev)).has(text))).toEqual([]);
  });

  it('has the transcripts of the list', () => {
    expect(sentences.size).toBe(542);
    for (const { id, text } of [...holdout, ...dev, ...calibration]) expect(sentences.get(id)).toBe(text);
  });

  it('is what the rule gives for the candidates', () => {
    const candidates = [...sentences].map(([name, text]) => ({ name, text }));
    const split = splitPrompts(candidates, holdoutNames);
    expect(split.dev.map(({ name }) => name)).toEqual(ids(dev));
    expect(split.calibration.map(({ name }) => name)).toEqual(ids(calibration));
    expect(split.training.map(({ name }) => name)).toEqual(training);
    const others = candidates.filter(({ name }) => !holdoutNames.includes(name));
    expect(markInVocabulary(split.holdout, others)).toEqual(holdout.map((line) => line.in_vocabulary));
    // Against our own training part, as README.md states.
    expect(markInVocabulary(split.holdout, split.training).filter(Boolean).length).toBe(54);
  });

  it('takes dev, then calibration, then the rest, by the MD5 of the name', () => {
    const order = [...ids(dev), ...ids(calibration)].map(md5);
    expect(order).toEqual([...order].sort());
    const last = order.at(-1) ?? '';
    const others = training.filter((name) => !ids(calibration).includes(name));
    expect(others.every((name) => md5(name) > last)).toBe(true);
  });

  it('has normalised transcripts', () => {
    for (const { text } of [...holdout, ...dev, ...calibration]) expect(normaliseTranscript(text)).toBe(text);
  });

  it('has recordings of the stated length, 8 kHz, mono, 16 bit, and no others', async () => {
    const lines = [...holdout, ...dev, ...calibration];
    for (const { id, audio_filepath: audio, duration } of lines) {
      expect(audio).toBe(`audio/${id}.flac`);
      const header = await readHeaderDuration(path(audio));
      expect([header.durationS, header.sampleRateHz]).toEqual([duration, 8000]);
      // STREAMINFO (RFC 9639, section 8.2): one channel less, and sixteen bits less one.
      const info = (await readFile(path(audio))).readUInt16BE(20);
      expect([(info >> 9) & 7, (info >> 4) & 31]).toEqual([0, 15]);
    }
    const entries = await readdir(path('audio'), { recursive: true, withFileTypes: true });
    expect(entries.filter((entry) => entry.isFile() && entry.name !== '.npmignore').length).toBe(lines.length);
  });

  it('holds the samples that the encoder was given, each, as our reader decodes them', async () => {
    for (const { audio_filepath: audio } of [...holdout, ...dev, ...calibration]) {
      const { samples } = await readAudio(path(audio));
      const whole = Int16Array.from(samples, (sample) => sample * 32_768);
      // The MD5 that flac noted of the WAV file's samples (RFC 9639, section 8.2: the last 16 bytes of STREAMINFO).
      const noted = (await readFile(path(audio))).subarray(26, 42).toString('hex');
      expect(createHash('md5').update(new Uint8Array(whole.buffer)).digest('hex'), audio).toBe(noted);
    }
  });

  it('agrees with SHA256SUMS', async () => {
    const sums = (await readFile(path('SHA256SUMS'), 'utf8')).trimEnd().split('\n');
    expect(sums.length).toBe(257 + 6);
    for (const line of sums) {
      const [sum, name] = line.split('  ');
      const bytes = await readFile(path(name ?? ''));
      expect(createHash('sha256').update(bytes).digest('hex'), name).toBe(sum);
    }
  });

  it('carries its licence and attribution', async () => {
    const licence = await readFile(path('LICENSE'), 'utf8');
    expect(licence).toMatch(/CC-BY-SA-3\.0/);
    expect(licence).toMatch(/Allison Smith/);
    expect(licence).toMatch(/Digium/);
  });
});

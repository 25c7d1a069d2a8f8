import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Path of a file made by test/fixtures/speech/decoder/make.py. */
export function decoderFixture(name: string): string {
  return new URL(`../fixtures/speech/decoder/${name}`, import.meta.url).pathname;
}

export const LABELS: readonly string[] = ['', ' ', "'", ...'abcdefghijklmnopqrstuvwxyz'];

/** What pyctcdecode found, with the exact score of it. */
export interface ReferenceBeams {
  readonly name: string;
  readonly lm: string | null;
  readonly alpha?: number;
  readonly beta?: number;
  readonly unknown?: number;
  readonly hot_words?: readonly string[];
  readonly hot_weight?: number;
  readonly utterances: readonly {
    readonly id: string;
    readonly steps: number;
    readonly text: string;
    readonly score: number;
  }[];
}

export function readReferenceBeams(): ReferenceBeams[] {
  return JSON.parse(readFileSync(decoderFixture('beams.json'), 'utf8')) as ReferenceBeams[];
}

/** Log-probabilities by utterance. */
export function readMatrices(): Map<string, Float32Array> {
  const bytes = gunzipSync(readFileSync(decoderFixture('matrices.bin.gz')));
  const values = new Int16Array(Uint8Array.from(bytes).buffer);
  const matrices = new Map<string, Float32Array>();
  let at = 0;
  for (const { id, steps } of readReferenceBeams()[0]?.utterances ?? []) {
    const end = at + steps * LABELS.length;
    matrices.set(
      id,
      Float32Array.from(values.subarray(at, end), (value) => value / 1000),
    );
    at = end;
  }
  return matrices;
}

/** Sentences of the prompts' training part. */
export function trainingSentences(): string[][] {
  const speech = (name: string): string =>
    readFileSync(new URL(`../../data/speech/${name}`, import.meta.url), 'utf8').trim();
  const texts = new Map(
    speech('transcripts.tsv')
      .split('\n')
      .map((line) => line.split('\t') as [string, string]),
  );
  return speech('training.txt')
    .split('\n')
    .map((name) => (texts.get(name) ?? '').split(' '));
}

import { readFile } from 'node:fs/promises';
import { describeFileError, sha256OfBytes } from '../files.js';
import { readManifest } from './manifest.js';
import { normaliseTranscript } from './transcript.js';

/**
 * Reads sentences, brought into the models' alphabet: the texts of a manifest (`.jsonl`), or the lines of a text file.
 *
 * @param path - the file
 * @returns each sentence with its words one space apart; empty ones are left out
 * @throws {InputError} when the file cannot be read
 */
export async function readSentences(path: string): Promise<string[]> {
  if (path.endsWith('.jsonl')) return (await readManifest(path)).map(({ text }) => text).filter(Boolean);
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    throw describeFileError(path, error);
  }
  return content.split('\n').map(normaliseTranscript).filter(Boolean);
}

/** Characters of a sentence's digest: among ten thousand sentences, two share one by chance once in a million lists. */
const DIGEST_LENGTH = 12;

/** Short names of sentences, by which it can be proved later that one was not among them. */
export function digestOf(sentence: string): string {
  return sha256OfBytes(sentence).slice(0, DIGEST_LENGTH);
}

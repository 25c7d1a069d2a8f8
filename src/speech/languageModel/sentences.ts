import { sha256OfBytes } from '../../files.js';
import { readManifest } from '../corpora/manifest.js';
import { normaliseTranscript } from '../text/transcript.js';
import { readAllLines } from './textLines.js';

/**
 * Reads sentences as plain words: the texts of a manifest (`.jsonl`), or the lines of a text file, packed by gzip or not.
 *
 * @param path - the file
 * @returns each sentence with its words one space apart; empty ones are left out
 * @throws {InputError} when the file cannot be read
 */
export async function readSentences(path: string): Promise<string[]> {
  if (path.endsWith('.jsonl')) return plain((await readManifest(path)).map(({ text }) => text));
  return plain(await readAllLines(path));
}

function plain(texts: readonly string[]): string[] {
  return texts.map(normaliseTranscript).filter(Boolean);
}

/** Characters of a sentence's digest: among ten thousand sentences, two share one by chance once in a million lists. */
const DIGEST_LENGTH = 12;

/** Short names of sentences, by which it can be proved later that one was not among them. */
export function digestOf(sentence: string): string {
  return sha256OfBytes(sentence).slice(0, DIGEST_LENGTH);
}

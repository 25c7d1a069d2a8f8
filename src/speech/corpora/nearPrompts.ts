import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeFileError } from '../../files.js';
import { countWordEdits } from '../text/wer.js';

/** Share of its words by which a prompt may differ from one that was trained on, and still count as near. */
const NEAR_SHARE = 0.25;

const FOLDER = new URL('../../../data/speech/', import.meta.url);

/**
 * Which texts are nearly those of the training part of the package's prompts: within a quarter of their words of one of them. Weights and
 * language model may have seen as much.
 *
 * @param texts - words of the hold-out
 * @returns for each text whether it is near
 * @throws {InputError} when the lists of the package are missing
 */
export async function areNearTraining(texts: readonly string[]): Promise<readonly boolean[]> {
  const [transcripts, names] = await Promise.all(['transcripts.tsv', 'training.txt'].map(readLines));
  const textOf = new Map(transcripts?.map((line) => line.split('\t') as [string, string]));
  const trained = (names ?? []).flatMap((name) => textOf.get(name) ?? []);
  return texts.map((text) =>
    trained.some((other) => {
      const { substitutions, deletions, insertions, hits } = countWordEdits(text, other);
      return substitutions + deletions + insertions <= NEAR_SHARE * (hits + substitutions + deletions);
    }),
  );
}

async function readLines(name: string): Promise<readonly string[]> {
  const path = fileURLToPath(new URL(name, FOLDER));
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw describeFileError(path, error);
  });
  return text.trim().split('\n');
}

import { InputError } from '../errors.js';
import { sha256OfFile } from '../files.js';
import { Recognizer } from '../recognise/recognizer.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import { readManifest } from '../speech/corpora/manifest.js';
import { readRecording } from '../speech/corpora/recordings.js';
import type { Condition, Observation, RunRecord } from './schema.js';
import type { Variant } from './variants.js';

/** What transcribing the utterances again has given. */
export interface HeardAgain {
  /** Utterances that were heard. */
  readonly heard: number;
  /** Of these, ids of those whose text is another than in the run. */
  readonly others: readonly string[];
}

/**
 * Hears again what a condition of a run heard, and compares the texts of the best path. Equal texts show that the numbers are still
 * those of this code and these models; another processor rounds differently, and a word may change.
 *
 * @param variant - the condition's model, made again
 * @param observations - of the run
 * @throws {InputError} when the speech is missing, or not that of the run
 */
export async function hearAgain(
  { protocol }: RunRecord,
  condition: Condition,
  variant: Variant,
  observations: readonly Observation[],
  signal?: AbortSignal,
): Promise<HeardAgain> {
  const path = manifestPath(protocol.manifest);
  const sha256 = await sha256OfFile(path);
  if (sha256 !== protocol.manifestSha256) {
    throw new InputError(
      `${path}: the manifest of the run was required, got another (SHA-256 ${sha256.slice(0, 16)}…, was ${protocol.manifestSha256.slice(0, 16)}…); restore it`,
    );
  }
  const texts = new Map(
    observations
      .filter((one) => one.condition === condition.id && one.phase === 'accuracy')
      .flatMap(({ utterances, texts }) => utterances.map((id, place) => [id, texts[place]] as const)),
  );
  const recognizer = await Recognizer.load(variant.model, { threads: condition.threads });
  const others: string[] = [];
  let heard = 0;
  try {
    for (const recording of await readManifest(path)) {
      const { id } = recording;
      if (!texts.has(id)) continue;
      signal?.throwIfAborted();
      const { text } = await recognizer.recognize(await readRecording(recording));
      heard++;
      if (text !== texts.get(id)) others.push(id);
    }
  } finally {
    await recognizer.release();
  }
  return { heard, others };
}

import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder } from '../../files.js';
import { manifestPath } from '../../recognise/registry/embedded.js';
import { readManifest } from '../../speech/corpora/manifest.js';
import { isPackageSet } from '../../speech/corpora/packageSpeech.js';
import type { FinishedRun } from '../../study/finishedRun.js';
import type { JsonObject } from '../figures/figure.js';
import { measuredOf, pairOf } from '../tables/measured.js';

/** Words that a recording has at least, so that there is something to hear, and seconds that it has at most. */
const FEWEST_WORDS = 5;
const LONGEST_S = 8;

/**
 * Recordings to listen to, with what each condition of a run heard: of the package's own speech the first that float and quantized model
 * both hear rightly, the first that the quantized one alone gets wrong, and the first that both do. Their sound is copied beside the write-up.
 *
 * @param postFolder - where the write-up lies
 * @returns a recording each, in that order; none where the run heard other speech
 */
export async function writeListening(
  { summary, observations }: FinishedRun,
  postFolder: string,
): Promise<readonly JsonObject[]> {
  const pair = pairOf(summary);
  if (pair === null || !isPackageSet(summary.run.protocol.manifest)) return [];
  const heard = new Map<string, string>();
  for (const { condition, phase, utterances, texts } of observations) {
    if (phase === 'accuracy')
      for (const [place, id] of utterances.entries()) heard.set(`${condition} ${id}`, texts[place] ?? '');
  }
  const all = (await readManifest(manifestPath(summary.run.protocol.manifest))).filter(
    ({ text, durationS }) => text.split(' ').length >= FEWEST_WORDS && durationS <= LONGEST_S,
  );
  const isRight = (condition: string, id: string, text: string): boolean => heard.get(`${condition} ${id}`) === text;
  const kinds = [
    [true, true],
    [true, false],
    [false, false],
  ] as const;
  const chosen = kinds.flatMap(
    ([base, variant]) =>
      all.find(
        ({ id, text }) => isRight(pair.base.id, id, text) === base && isRight(pair.variant.id, id, text) === variant,
      ) ?? [],
  );
  const folder = join(postFolder, 'assets', 'recordings');
  await makeFolder(folder);
  for (const { audioPath } of chosen) await copyFile(audioPath, join(folder, basename(audioPath)));
  return chosen.map(({ id, text, audioPath }) => ({
    file: basename(audioPath),
    said: text,
    heard: measuredOf(summary).map((row) => ({
      title: row.title,
      text: heard.get(`${row.id} ${id}`) ?? '',
      is_right: isRight(row.id, id, text),
    })),
  }));
}

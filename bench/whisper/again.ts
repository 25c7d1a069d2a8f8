/**
 * What it gains to keep what the encoder of a Whisper gave: recordings heard once, then again with timestamps and with a prompt, which
 * its kept transcripts do not answer.
 *
 *     npm run bench:build
 *     node dist/bench/whisper/again.js MODEL_FOLDER [--threads 1] [--recordings 16]
 *
 * Times are medians, in ms; texts must be those of a recognizer that keeps nothing.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { manifestPath, readAudio, readManifest, resolveModel } from 'quantlab';
import { CachedRecognizer, Recognizer, ResultCache, transcribe } from 'quantlab/recognise';
import type { Audio } from 'quantlab/speech';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string', default: '1' }, recordings: { type: 'string', default: '16' } },
});
const model = await resolveModel(positionals[0] ?? '');
const threads = Number(values.threads);
const utterances = (await readManifest(manifestPath('holdout'))).slice(0, Number(values.recordings));
const plain = await Recognizer.load(model, { threads });
const folder = await mkdtemp(join(tmpdir(), 'quantlab-again-'));
const open = async (memoryBytes: number): Promise<CachedRecognizer> => {
  const cache = await ResultCache.open({ memoryBytes, folder: memoryBytes > 0 ? undefined : folder });
  return await CachedRecognizer.create(plain, model, cache, { session: { threads } });
};
const times = new Map<string, number[]>();
const timed = async (name: string, hear: () => Promise<{ readonly text: string }>): Promise<string> => {
  const started = performance.now();
  const { text } = await hear();
  times.set(name, [...(times.get(name) ?? []), performance.now() - started]);
  return text;
};
const timestamps = async (who: Pick<Recognizer, 'passages' | 'recognize'>, audio: Audio): Promise<{ text: string }> =>
  await transcribe(who, [audio]);
let differing = 0;
try {
  const [memory, disk] = [await open(2 ** 26), await open(0)];
  const guide = { prompt: 'Letters and numbers.' };
  await plain.recognize(await readAudio(utterances[0]?.audioPath ?? ''));
  for (const { audioPath } of utterances) {
    const audio = await readAudio(audioPath);
    const wanted = [
      await timed('nothing kept', async () => await plain.recognize(audio)),
      await timed('nothing kept, timestamps', async () => await timestamps(plain, audio)),
      await timed('nothing kept, prompt', async () => await (await plain.guided(guide)).recognize(audio)),
    ];
    for (const [place, who] of Object.entries({ memory, disk })) {
      const came = [
        await timed(`${place}: first`, async () => await who.recognize(audio)),
        await timed(`${place}: timestamps`, async () => await timestamps(who, audio)),
        await timed(`${place}: prompt`, async () => await (await who.guided(guide)).recognize(audio)),
      ];
      differing += came.filter((text, index) => text !== wanted[index]).length;
    }
  }
} finally {
  await plain.release();
  await rm(folder, { recursive: true });
}
for (const [name, all] of times) {
  const median = all.sort((a, b) => a - b)[Math.floor(all.length / 2)] as number;
  process.stdout.write(`${name}\t${median.toFixed(1)}\n`);
}
process.stdout.write(`texts that differ: ${differing}\n`);

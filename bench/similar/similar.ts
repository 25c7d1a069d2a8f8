/**
 * How often a cache that looks for similar sounds finds a recording again in another form, and whether it takes one for another: the
 * hold-out, or other manifests, as Opus of 24 kbit/s, telephone µ-law, quieter and louder, and with half a second of silence around it.
 *
 *     npm run bench:build
 *     node dist/bench/similar/similar.js --folder WORK [--manifest holdout --manifest an4/test.jsonl] [--model deepspeech2-lstm]
 *
 * `sox` and `opusenc` (opus-tools) write the forms into `WORK`.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Recognizer, readAudio, resolveModel } from 'quantlab';
import { type Heard, manifestPath, summarizeAccuracy } from 'quantlab/measure';
import { CachedRecognizer, ResultCache, SimilarSounds } from 'quantlab/recognise';
import { readUtterances } from 'quantlab/speech';

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    manifest: { type: 'string', multiple: true, default: ['holdout'] },
    model: { type: 'string', default: 'deepspeech2-lstm' },
  },
});
const { folder } = values;
if (folder === undefined) throw new Error('--folder: a folder for the forms was required, got none; name one');
mkdirSync(folder, { recursive: true });

const sox = (from: string, to: string, before: readonly string[], effects: readonly string[]): void => {
  execFileSync('sox', ['-D', from, ...before, to, ...effects], { stdio: 'ignore' });
};
const FORMS: Readonly<Record<string, readonly [ending: string, write: (from: string, to: string) => void]>> = {
  'Opus, 24 kbit/s': [
    'opus',
    (from, to) => {
      sox(from, `${to}.wav`, [], []);
      execFileSync('opusenc', ['--quiet', '--bitrate', '24', `${to}.wav`, to]);
    },
  ],
  'µ-law, 8 kHz': ['mulaw.wav', (from, to) => sox(from, to, ['-r', '8000', '-e', 'mu-law'], [])],
  '6 dB quieter': ['quiet.wav', (from, to) => sox(from, to, [], ['gain', '-6'])],
  '3 dB louder, clipped': ['loud.wav', (from, to) => sox(from, to, [], ['gain', '3'])],
  '0.5 s of silence around it': ['padded.wav', (from, to) => sox(from, to, [], ['pad', '0.5', '0.5'])],
};

const utterances = (await Promise.all(values.manifest.map((name) => readUtterances(manifestPath(name))))).flat();
const originals = await Promise.all(utterances.map(async ({ audioPath }) => await readAudio(audioPath)));
const model = await resolveModel(values.model);
const recognizer = await Recognizer.load(model, { threads: 1 });
const cache = await ResultCache.open({ memoryBytes: 2 ** 28 });
const similar = await SimilarSounds.open();
const cached = await CachedRecognizer.create(recognizer, model, cache, { similar, kinds: ['transcript'] });
const plain = await CachedRecognizer.create(recognizer, model, await ResultCache.open({ memoryBytes: 0 }), {
  kinds: [],
});

const contentOf = (index: number): string => index.toString(16).padStart(64, '0');
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
const wer = (texts: readonly Heard[]): string => `${(100 * summarizeAccuracy(texts).wer.value).toFixed(1)} %`;
const print = (...cells: readonly (string | number)[]): void => void process.stdout.write(`| ${cells.join(' | ')} |\n`);

// Whatever is found while the originals come for the first time is another recording, or the same one twice.
const known = await SimilarSounds.open();
const twins = new Set<string>();
for (const [index, audio] of originals.entries()) {
  await cached.recognize(audio);
  const sound = known.of(audio);
  if (sound === null) continue;
  for (const { content } of await known.find(sound)) {
    const other = Number.parseInt(content, 16);
    twins.add(`${index} ${other}`).add(`${other} ${index}`);
    process.stdout.write(`${utterances[index]?.id} was taken for ${utterances[other]?.id}\n`);
  }
  await known.add(sound, contentOf(index));
}
process.stdout.write(
  `${utterances.length} recordings of ${values.manifest.join(' and ')}, ${values.model}, 1 thread\n\n`,
);
print('form', 'found', 'taken for another', 'ms, found', 'ms, heard', 'WER, found', 'WER, heard');
print(...Array.from({ length: 7 }, () => '---'));
for (const [name, [ending, write]] of Object.entries(FORMS)) {
  const foundMs: number[] = [];
  const heardMs: number[] = [];
  const answered: Heard[] = [];
  const heard: Heard[] = [];
  let wrong = 0;
  for (const [index, { id, audioPath, text: reference }] of utterances.entries()) {
    const path = join(folder, `${id.replaceAll(/\W/g, '_')}.${ending}`);
    if (!existsSync(path)) write(audioPath, path);
    const audio = await readAudio(path);
    const anew = await plain.recognize(audio);
    heardMs.push(anew.timing.totalMs);
    heard.push({ reference, text: anew.text });
    const sound = known.of(audio);
    const matches = sound === null ? [] : await known.find(sound);
    const others = matches.map(({ content }) => Number.parseInt(content, 16)).filter((other) => other !== index);
    if (others.some((other) => !twins.has(`${index} ${other}`))) wrong++;
    // Each form meets the originals alone: one that is not found must not be there for the next.
    const answer = matches.length > 0 ? await cached.recognize(audio) : anew;
    if (matches.length > 0) foundMs.push(answer.timing.totalMs);
    answered.push({ reference, text: answer.text });
  }
  const times = [mean(foundMs), mean(heardMs)].map((ms) => ms.toFixed(1));
  print(name, `${foundMs.length} of ${utterances.length}`, wrong, ...times, wer(answered), wer(heard));
}
await recognizer.release();

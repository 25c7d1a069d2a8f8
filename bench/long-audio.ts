/**
 * How long sound fares: cut at silences, against in one piece, and the memory that it takes.
 *
 *     npm run bench:build && node dist/bench/long-audio.js [--hours 1] [--manifest FILE]
 *
 * 1. Word error rate: the set's utterances one behind another, with pauses of 0, 0.2 and 0.5 s, heard in one piece and cut.
 * 2. Resident memory while that sound is repeated for the given time, beside that of its first minute; 0 hours leaves it out.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Audio, Recognizer, readAudio, readManifest, resolveModel } from 'quantlab';
import { transcribe } from 'quantlab/recognise';
import { countWordEdits, errorRate } from 'quantlab/speech';

const MODEL = 'deepspeech2-lstm';
const PAUSES_S = [0, 0.2, 0.5];

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '1' },
    manifest: { type: 'string', default: fileURLToPath(new URL('../../data/speech/holdout.jsonl', import.meta.url)) },
  },
});

const utterances = await readManifest(values.manifest);
const audios: Audio[] = [];
for (const { audioPath } of utterances) audios.push(await readAudio(audioPath));
const truth = utterances.map(({ text }) => text).join(' ');

await compareTexts();
if (Number(values.hours) > 0) await watchMemory(Number(values.hours) * 3600);

async function compareTexts(): Promise<void> {
  const recognizer = await Recognizer.load(await resolveModel(MODEL));
  const alone: string[] = [];
  for (const audio of audios) alone.push((await recognizer.recognize(audio)).text);
  print(`each utterance alone: WER ${wer(alone.filter((text) => text !== '').join(' '))}`);
  for (const pauseS of PAUSES_S) {
    const whole = concatenate(withPauses(pauseS));
    const uncut = await recognizer.recognize(whole);
    const cut = await transcribe(recognizer, [whole]);
    print(
      `pauses of ${pauseS} s: in one piece of ${uncut.audioS.toFixed(0)} s WER ${wer(uncut.text)}, in ${cut.segments.length} segments ${wer(cut.text)}`,
    );
  }
  await recognizer.release();
}

async function watchMemory(wantedS: number): Promise<void> {
  const recognizer = await Recognizer.load(await resolveModel(MODEL));
  let afterMinute = 0;
  let most = 0;
  const { audioS, segments, computeMs } = await transcribe(recognizer, repeat(withPauses(0.2), wantedS), {
    onProgress: (doneS) => {
      most = Math.max(most, process.memoryUsage.rss());
      if (doneS < 70) afterMinute = most;
    },
  });
  print(
    `${(audioS / 60).toFixed(0)} minutes in ${segments.length} segments, ${(computeMs / 1000).toFixed(0)} s: resident memory at most ${mebibytes(most)}, in the first minute ${mebibytes(afterMinute)}`,
  );
  await recognizer.release();
}

function withPauses(pauseS: number): readonly Audio[] {
  return audios.flatMap((audio) => {
    const pause = new Float32Array(Math.round(pauseS * audio.sampleRateHz));
    return [audio, { samples: pause, sampleRateHz: audio.sampleRateHz }];
  });
}

function concatenate(chunks: readonly Audio[]): Audio {
  const samples = new Float32Array(chunks.reduce((total, chunk) => total + chunk.samples.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    samples.set(chunk.samples, at);
    at += chunk.samples.length;
  }
  return { samples, sampleRateHz: chunks[0]?.sampleRateHz ?? 8000 };
}

function* repeat(chunks: readonly Audio[], seconds: number): Generator<Audio> {
  for (let done = 0; done < seconds; ) {
    for (const chunk of chunks) {
      if (done >= seconds) return;
      done += chunk.samples.length / chunk.sampleRateHz;
      yield chunk;
    }
  }
}

function wer(text: string): string {
  return `${(100 * errorRate([countWordEdits(truth, text)])).toFixed(2)} %`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

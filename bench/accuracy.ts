/**
 * What recipes cost in accuracy: word error rate of float32 and of each variant on several sets and on all of them
 * together; the change with its 95 % paired-bootstrap interval over utterances and over speakers, the matched-pairs test, and
 * MLPerf's gate (99 % of the reference's accuracy, 100 − WER, is kept).
 *
 *     npm run bench:build && node dist/bench/accuracy.js --variant small.onnx [--variant …] [--model ID] \
 *       [--manifest holdout --manifest AN4/test.jsonl …] [--longest 15] [--threads 1]
 *
 * Variants come from `quantlab quantize`. Prints one JSON object.
 */
import { parseArgs } from 'node:util';
import { manifestPath, Recognizer, readAudio, readManifest, resolveModel, type Utterance } from 'quantlab';
import { compareTexts, type Heard } from 'quantlab/measure';
import { countWordEdits, type EditCounts, errorRate } from 'quantlab/speech';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'deepspeech2-lstm' },
    variant: { type: 'string', multiple: true, default: [] },
    manifest: { type: 'string', multiple: true, default: ['holdout'] },
    longest: { type: 'string', default: '15' },
    threads: { type: 'string', default: '1' },
  },
});

interface Scored extends Heard {
  readonly set: string;
}

async function score(model: string, sets: ReadonlyMap<string, readonly Utterance[]>): Promise<Scored[]> {
  const recognizer = await Recognizer.load(await resolveModel(model), { threads: Number(values.threads) });
  const scored: Scored[] = [];
  for (const [set, utterances] of sets) {
    for (const { audioPath, text: reference, speaker } of utterances) {
      const { text } = await recognizer.recognize(await readAudio(audioPath));
      // Speakers of two sets are not the same person.
      scored.push({ set, reference, text, speaker: `${set} ${speaker}` });
    }
  }
  await recognizer.release();
  return scored;
}

function compare(float: readonly Scored[], variant: readonly Scored[]): Record<string, unknown> {
  const count = (heard: readonly Scored[]): EditCounts[] =>
    heard.map(({ reference, text }) => countWordEdits(reference, text));
  const counts = count(float);
  const [wer, variantWer] = [errorRate(counts), errorRate(count(variant))];
  // A word error rate above 1 leaves no accuracy to keep.
  const kept = wer < 1 ? (1 - variantWer) / (1 - wer) : null;
  return {
    utterances: float.length,
    words: counts.reduce((words, { hits, substitutions, deletions }) => words + hits + substitutions + deletions, 0),
    wer,
    variantWer,
    ...compareTexts(float, variant, { resamples: 10_000 }),
    accuracyKept: kept,
    mlperfGate: kept === null ? 'not defined' : kept >= 0.99 ? 'pass' : 'fail',
  };
}

const sets = new Map<string, readonly Utterance[]>();
for (const manifest of values.manifest) {
  const utterances = await readManifest(manifestPath(manifest));
  sets.set(
    manifest,
    utterances.filter(({ durationS }) => durationS <= Number(values.longest)),
  );
}
const float = await score(values.model, sets);
const report: Record<string, unknown> = {};
for (const path of values.variant) {
  const variant = await score(path, sets);
  const of = (scored: readonly Scored[], set: string): Scored[] => scored.filter((one) => one.set === set);
  const places = [...sets.keys()].map((set, index) => [`${index + 1}`, compare(of(float, set), of(variant, set))]);
  report[path] = { sets: Object.fromEntries(places), pooled: compare(float, variant) };
}
process.stdout.write(
  `${JSON.stringify({ model: values.model, manifests: values.manifest, variants: report }, null, 2)}\n`,
);

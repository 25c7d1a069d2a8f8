/** Our side of the scoring bench: `node scorePairs.js PAIRS.json`. */
import { readFileSync } from 'node:fs';
import { countCharacterEdits, countWordEdits, type EditCounts, errorRate } from 'quantlab/speech';

const pairs = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as readonly (readonly [string, string])[];

function score(count: (reference: string, hypothesis: string) => EditCounts): readonly [number, readonly number[]] {
  const start = performance.now();
  const counts = pairs.map(([reference, hypothesis]) => count(reference, hypothesis));
  errorRate(counts);
  const seconds = (performance.now() - start) / 1000;
  const kinds = ['substitutions', 'deletions', 'insertions', 'hits'] as const;
  return [seconds, kinds.map((kind) => counts.reduce((sum, one) => sum + one[kind], 0))];
}

const [wordsSeconds, words] = score(countWordEdits);
const [charactersSeconds, characters] = score(countCharacterEdits);
process.stdout.write(JSON.stringify({ wordsSeconds, words, charactersSeconds, characters }));

/**
 * Time of scoring 10,000 pairs of sentences, in words and in characters, beside jiwer.
 *
 *     npm run bench:build && node dist/bench/scoring/scoring.js --folder WORK --python PYTHON [--pairs 10000] [--rounds 7]
 *
 * PYTHON is one with jiwer. Both read the same pairs, then score them once, in a process of its own, alternating: start-up,
 * imports and reading are left out of the time on both sides, warming up is not. A ratio is the median over the rounds
 * of ours over the peer's in the same round; below 1 is faster. Both must count the same edits. Prints one JSON object.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

interface Scored {
  readonly wordsSeconds: number;
  readonly charactersSeconds: number;
  readonly words: readonly number[];
  readonly characters: readonly number[];
  readonly version?: string;
}

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    python: { type: 'string' },
    pairs: { type: 'string', default: '10000' },
    rounds: { type: 'string', default: '7' },
  },
});
const { folder, python } = values;
if (folder === undefined || python === undefined) throw new Error('--folder and --python are required');

/** Sentences of 2 to 35 words of a vocabulary of 3,000, one word in ten misheard, left out or doubled. */
function makePairs(count: number): readonly (readonly [string, string])[] {
  let state = 10;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 8) % limit;
  };
  const letters = 'eeeetttaaaooinnsshhrrdlu';
  const word = (): string => Array.from({ length: 1 + below(9) }, () => letters[below(letters.length)]).join('');
  const vocabulary = Array.from({ length: 3000 }, word);
  const any = (): string => vocabulary[below(vocabulary.length)] ?? '';
  return Array.from({ length: count }, () => {
    const said = Array.from({ length: 2 + below(34) }, any);
    const heard = said.flatMap((one) => {
      const kind = below(30);
      if (kind === 0) return [any()];
      if (kind === 1) return [];
      return kind === 2 ? [one, any()] : [one];
    });
    return [said.join(' '), heard.join(' ')] as const;
  });
}

function run(program: string, args: readonly string[]): Scored {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program}: exit code 0 was required, got ${status}\n${stderr}`);
  return JSON.parse(stdout) as Scored;
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
const rounded = (number: number): number => Number(number.toFixed(3));

mkdirSync(folder, { recursive: true });
const pairs = join(folder, 'pairs.json');
writeFileSync(pairs, JSON.stringify(makePairs(Number(values.pairs))));
const ours: Scored[] = [];
const peer: Scored[] = [];
const sides = [
  () => void ours.push(run(process.execPath, [fileURLToPath(new URL('./scorePairs.js', import.meta.url)), pairs])),
  () =>
    void peer.push(
      run(python, [fileURLToPath(new URL('../../../bench/scoring/jiwer_peer.py', import.meta.url)), pairs]),
    ),
];
for (let round = 0; round < Number(values.rounds); round++) {
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) side();
}
for (const unit of ['words', 'characters'] as const) {
  if (`${ours[0]?.[unit]}` !== `${peer[0]?.[unit]}`) throw new Error(`${unit}: the same edits were required`);
}
const report = (unit: 'wordsSeconds' | 'charactersSeconds'): object => ({
  quantlabS: rounded(median(ours.map((one) => one[unit]))),
  jiwerS: rounded(median(peer.map((one) => one[unit]))),
  ratio: rounded(median(ours.map((one, round) => one[unit] / (peer[round]?.[unit] ?? 0)))),
});
process.stdout.write(
  `${JSON.stringify({ pairs: Number(values.pairs), rounds: ours.length, jiwer: peer[0]?.version, edits: ours[0]?.words, words: report('wordsSeconds'), characters: report('charactersSeconds') }, null, 2)}\n`,
);

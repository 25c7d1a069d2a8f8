import { InputError } from '../../errors.js';
import { type NgramModel, SENTENCE_END } from '../languageModel/ngram.js';
import type { Decoding } from '../types.js';
import { type LabelPiece, labelPieces, textOf } from './labelPieces.js';
import { PrefixTree } from './prefixTree.js';
import { Spelling, spellingWarnings } from './spelling.js';
import { OFF_TRIE, TRIE_ROOT, WordTrie } from './wordTrie.js';

/** How a beam search weighs and prunes. */
export interface BeamSearchOptions {
  /** Scores words; without one the search goes by the network alone (and hot words). */
  readonly languageModel?: NgramModel;
  /** Weight α of the language model's natural logarithm. Default 0.5. */
  readonly alpha?: number;
  /** Score β of each word, against the language model's liking for few words. Default 1.5. */
  readonly beta?: number;
  /**
   * Added to the language model's logarithm (base 10) of a word that it does not know: unknown words stay possible, at a
   * price. Default −10, as pyctcdecode's.
   */
  readonly unknownPenalty?: number;
  /** Boosts of words that are likely here, in natural logarithms: 10 is pyctcdecode's. A word unknown to the language model still pays the penalty. */
  readonly hotWords?: ReadonlyMap<string, number>;
  /** Texts that are kept after each step. Default 64. */
  readonly beamWidth?: number;
  /** Classes below this natural logarithm are not tried, but for the best of the step. Default −7. */
  readonly tokenMinimum?: number;
  /** Texts this far below the best are dropped. Default −20. */
  readonly beamMinimum?: number;
}

/** Defaults of {@link BeamSearchOptions}: pyctcdecode's weights; it prunes classes below −5 and texts 10 below the best. */
export const BEAM_SEARCH_DEFAULTS: Required<Omit<BeamSearchOptions, 'languageModel'>> = {
  alpha: 0.5,
  beta: 1.5,
  unknownPenalty: -10,
  hotWords: new Map(),
  beamWidth: 64,
  tokenMinimum: -7,
  beamMinimum: -20,
};

/** A text that a beam search found. */
export interface BeamDecoding extends Decoding {
  /** Log-probability of the text by the network: all paths that were followed, summed. */
  readonly logProbability: number;
  /** What the search maximised: log-probability, α · language model, β · words, hot words. */
  readonly score: number;
  /** Its share of the exponentials of all scores found, 0…1. */
  readonly confidence: number;
  /** Classes of the text, for finding its words' times. */
  readonly sequence: readonly number[];
}

const NEVER = Number.NEGATIVE_INFINITY;

/**
 * Decodes the output of a CTC network by prefix beam search with a word language model.
 *
 * Each text is kept once, with the probability of all its paths that end in a blank and of all that do not (Graves 2012,
 * section 7.5.3; Hannun et al. 2014, algorithm 1); a word is scored by α · ln P + β when it ends. Texts that differ in
 * spaces alone are one. A word that no known word begins with pays the unknown word's penalty as soon as that is clear.
 *
 * One serves any number of utterances, one at a time.
 *
 * @example
 * const search = new BeamSearch(card.labels, card.blank, { languageModel: await readArpa('lm.arpa.gz') });
 * search.decode(data, steps)[0]?.text; // 'please hold while i try'
 */
export class BeamSearch {
  /** What a reader should know: words that the network cannot write, a language model that does not fit it. */
  readonly warnings: readonly string[];
  readonly #pieces: readonly LabelPiece[];
  readonly #blank: number;
  readonly #model: NgramModel | undefined;
  readonly #settings: Required<Omit<BeamSearchOptions, 'languageModel'>>;
  readonly #trie: WordTrie;
  /** α in units of the model's logarithms to base 10. */
  readonly #alpha10: number;
  readonly #tree: PrefixTree = new PrefixTree();

  /**
   * @param labels - text of each class
   * @param blank - class that stands for nothing
   * @throws {InputError} when an option is not a number in its range
   */
  constructor(labels: readonly string[], blank: number, options: BeamSearchOptions = {}) {
    const { languageModel, ...rest } = options;
    this.#settings = { ...BEAM_SEARCH_DEFAULTS, ...rest };
    checkSettings(this.#settings);
    this.#pieces = labelPieces(labels);
    this.#blank = blank;
    this.#model = languageModel;
    const spelling = new Spelling(labels.filter((_, label) => label !== blank));
    this.#trie = new WordTrie(languageModel, this.#settings.hotWords, spelling);
    this.warnings = spellingWarnings(spelling, languageModel?.vocabulary ?? [], this.#settings.hotWords.keys());
    this.#alpha10 = this.#settings.alpha * Math.LN10;
  }

  /**
   * Finds the best texts of one utterance, best first.
   *
   * @param logProbabilities - natural logarithms, row-major, shape [steps, labels]; what follows is not read
   * @param steps - output steps of this utterance, padding not counted
   * @returns one text or more
   * @throws {InputError} when there are fewer values than steps × labels, or a step has no number in it
   */
  decode(logProbabilities: Float32Array, steps: number): BeamDecoding[] {
    const classes = this.#pieces.length;
    if (logProbabilities.length < steps * classes) {
      throw new InputError(
        `log-probabilities: ${steps} × ${classes} values were required, got ${logProbabilities.length}; the model does not fit its card`,
      );
    }
    let beams = [this.#begin()];
    const tokens: number[] = [];
    for (let step = 0; step < steps; step++) {
      const row = logProbabilities.subarray(step * classes, (step + 1) * classes);
      likelyTokens(row, this.#settings.tokenMinimum, step, tokens);
      beams = this.#keepBest(this.#extend(beams, row, tokens, step));
    }
    return this.#finish(beams);
  }

  #begin(): number {
    const tree = this.#tree;
    tree.clear();
    const root = tree.add(-1, -1);
    tree.blank[root] = 0;
    tree.nonBlank[root] = NEVER;
    tree.wordScore[root] = 0;
    tree.partialScore[root] = 0;
    tree.state[root] = this.#model?.start ?? 0;
    tree.partial[root] = TRIE_ROOT;
    tree.letters[root] = 0;
    return root;
  }

  /** Follows each text with each likely class, and returns the texts that were reached. */
  #extend(beams: readonly number[], row: Float32Array, tokens: readonly number[], step: number): number[] {
    const tree = this.#tree;
    const reached: number[] = [];
    const reach = (node: number): void => {
      if (tree.reached[node] === step) return;
      tree.reached[node] = step;
      tree.nextBlank[node] = NEVER;
      tree.nextNonBlank[node] = NEVER;
      reached.push(node);
    };
    for (const token of tokens) {
      const p = row[token] as number;
      const piece = this.#pieces[token] as LabelPiece;
      const silent = token === this.#blank || (piece.text === '' && !piece.startsWord);
      const space = piece.text === '' && piece.startsWord;
      for (const node of beams) {
        const blank = tree.blank[node] as number;
        const nonBlank = tree.nonBlank[node] as number;
        const either = addLogs(blank, nonBlank);
        if (silent) {
          reach(node);
          tree.nextBlank[node] = addLogs(tree.nextBlank[node] as number, either + p);
        } else if (space && tree.letters[node] === 0) {
          // Spaces after spaces, or before all words, change no text.
          reach(node);
          tree.nextNonBlank[node] = addLogs(tree.nextNonBlank[node] as number, either + p);
        } else {
          const repeats = tree.label[node] === token;
          if (repeats && nonBlank !== NEVER) {
            reach(node);
            tree.nextNonBlank[node] = addLogs(tree.nextNonBlank[node] as number, nonBlank + p);
          }
          const from = repeats ? blank : either;
          if (from === NEVER) continue;
          const child = this.#child(node, token, piece);
          reach(child);
          tree.nextNonBlank[child] = addLogs(tree.nextNonBlank[child] as number, from + p);
        }
      }
    }
    return reached;
  }

  /** The text with one more class; its words are scored when it is new. */
  #child(node: number, token: number, piece: LabelPiece): number {
    const tree = this.#tree;
    const known = tree.child(node, token);
    if (known >= 0) return known;
    const child = tree.add(node, token);
    let [score, state, partial, letters] = [
      tree.wordScore[node] as number,
      tree.state[node] as number,
      tree.partial[node] as number,
      tree.letters[node] as number,
    ];
    if (piece.startsWord) {
      if (letters > 0) {
        score += this.#scoreWord(state, partial);
        state = this.#nextState(state, partial);
      }
      [partial, letters] = [TRIE_ROOT, 0];
    }
    partial = partial === OFF_TRIE ? OFF_TRIE : this.#trie.follow(partial, piece.text);
    letters += piece.text.length;
    tree.wordScore[child] = score;
    tree.state[child] = state;
    tree.partial[child] = partial;
    tree.letters[child] = letters;
    tree.partialScore[child] = letters === 0 ? 0 : this.#promise(partial, letters);
    return child;
  }

  #scoreWord(state: number, partial: number): number {
    const boost = this.#trie.boostAt(partial);
    if (this.#model === undefined) return boost;
    const word = this.#trie.wordAt(partial);
    const { beta, unknownPenalty } = this.#settings;
    const log10 =
      word >= 0
        ? this.#model.log10Probability(state, word)
        : this.#model.log10Probability(state, this.#model.unknown) + unknownPenalty;
    return this.#alpha10 * log10 + beta + boost;
  }

  #nextState(state: number, partial: number): number {
    if (this.#model === undefined) return 0;
    const word = this.#trie.wordAt(partial);
    return this.#model.next(state, word >= 0 ? word : this.#model.unknown);
  }

  /** What an unfinished word will cost or gain at least: no known word begins so, or a hot one does. */
  #promise(partial: number, letters: number): number {
    const boost = this.#trie.partialBoost(partial, letters);
    if (this.#model === undefined || this.#trie.isKnown(partial)) return boost;
    return boost + this.#alpha10 * this.#settings.unknownPenalty;
  }

  /** Makes the step's sums the present ones, and keeps the best texts, best first. */
  #keepBest(reached: readonly number[]): number[] {
    const tree = this.#tree;
    const { beamWidth, beamMinimum } = this.#settings;
    let best = NEVER;
    for (const node of reached) {
      const blank = tree.nextBlank[node] as number;
      const nonBlank = tree.nextNonBlank[node] as number;
      tree.blank[node] = blank;
      tree.nonBlank[node] = nonBlank;
      const rank = addLogs(blank, nonBlank) + (tree.wordScore[node] as number) + (tree.partialScore[node] as number);
      tree.rank[node] = rank;
      if (rank > best) best = rank;
    }
    const rank = tree.rank;
    const kept = reached.filter((node) => (rank[node] as number) >= best + beamMinimum);
    // Of equal ones the older text comes first, so that results do not depend on the order of the classes.
    kept.sort((a, b) => (rank[b] as number) - (rank[a] as number) || a - b);
    if (kept.length > beamWidth) kept.length = beamWidth;
    return kept;
  }

  /** Ends the last words, joins texts that differ in a last space, and sorts. */
  #finish(beams: readonly number[]): BeamDecoding[] {
    const tree = this.#tree;
    const texts = new Map<string, { readonly node: number; readonly sequence: readonly number[]; sum: number }>();
    for (const beam of beams) {
      const spaceAtEnd = beam !== 0 && tree.letters[beam] === 0;
      const node = spaceAtEnd ? (tree.parent[beam] as number) : beam;
      const sequence = tree.sequence(node);
      const text = textOf(sequence, this.#pieces);
      const sum = addLogs(tree.blank[beam] as number, tree.nonBlank[beam] as number);
      const known = texts.get(text);
      if (known === undefined) texts.set(text, { node, sequence, sum });
      else known.sum = addLogs(known.sum, sum);
    }
    const found = [...texts].map(([text, { node, sequence, sum }]) => {
      return { text, logProbability: sum, score: sum + this.#scoreText(node), confidence: 0, sequence };
    });
    found.sort((a, b) => b.score - a.score);
    const all = found.reduce((sum, { score }) => addLogs(sum, score), NEVER);
    return found.map((one) => ({ ...one, confidence: Math.exp(one.score - all) }));
  }

  /** Score of all words of a text and of its end. */
  #scoreText(node: number): number {
    const tree = this.#tree;
    let score = tree.wordScore[node] as number;
    let state = tree.state[node] as number;
    if ((tree.letters[node] as number) > 0) {
      const partial = tree.partial[node] as number;
      score += this.#scoreWord(state, partial);
      state = this.#nextState(state, partial);
    }
    if (this.#model === undefined) return score;
    return score + this.#alpha10 * this.#model.log10Probability(state, this.#model.idOf(SENTENCE_END));
  }
}

/** Classes worth trying in a step, into `tokens`. */
function likelyTokens(row: Float32Array, minimum: number, step: number, tokens: number[]): void {
  tokens.length = 0;
  let best = -1;
  let bestValue = NEVER;
  for (let token = 0; token < row.length; token++) {
    const value = row[token] as number;
    if (value >= minimum) tokens.push(token);
    if (value > bestValue) {
      best = token;
      bestValue = value;
    }
  }
  if (best < 0) {
    throw new InputError(
      `log-probabilities: a number was required in step ${step}, got NaN or minus infinity only; the model is damaged`,
    );
  }
  if (tokens.length === 0) tokens.push(best);
}

/** ln(eᵃ + eᵇ). */
function addLogs(a: number, b: number): number {
  const [high, low] = a > b ? [a, b] : [b, a];
  return low === NEVER ? high : high + Math.log1p(Math.exp(low - high));
}

function checkSettings(settings: Required<Omit<BeamSearchOptions, 'languageModel'>>): void {
  const { alpha, beta, unknownPenalty, beamWidth, tokenMinimum, beamMinimum } = settings;
  if (!(Number.isInteger(beamWidth) && beamWidth >= 1)) {
    throw new InputError(`beamWidth: a whole number from 1 was required, got ${beamWidth}; 64 is usual`);
  }
  if (!(Number.isFinite(alpha) && alpha >= 0)) {
    throw new InputError(`alpha: a number of at least 0 was required, got ${alpha}; 0.5 is usual`);
  }
  if (!Number.isFinite(beta)) throw new InputError(`beta: a number was required, got ${beta}; 1.5 is usual`);
  for (const [name, value] of Object.entries({ unknownPenalty, tokenMinimum, beamMinimum })) {
    if (Number.isNaN(value) || value > 0) {
      throw new InputError(`${name}: a number of at most 0 was required, got ${value}; leave it out`);
    }
  }
}

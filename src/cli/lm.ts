import { readFile, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { sha256OfFile, writeFileAtomic } from '../files.js';
import { requireCtc } from '../recognise/kinds/ctc/card.js';
import { weightsPath } from '../recognise/kinds/ctc/decoder.js';
import { CtcRecognizer } from '../recognise/kinds/ctc/recognizer.js';
import { type ScoredUtterance, tuneBeam, type WeightTrial } from '../recognise/kinds/ctc/tuneBeam.js';
import { modelSha256 } from '../recognise/model.js';
import { languageModelPath, manifestPath } from '../recognise/registry/embedded.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { readRecording } from '../speech/corpora/recordings.js';
import { BEAM_SEARCH_DEFAULTS, BeamSearch } from '../speech/decode/beamSearch.js';
import { readArpa, writeArpa } from '../speech/languageModel/arpa.js';
import { trainKneserNey } from '../speech/languageModel/kneserNey.js';
import { fitMixture, mixModels } from '../speech/languageModel/mixModels.js';
import type { NgramModel } from '../speech/languageModel/ngram.js';
import { digestOf, readSentences } from '../speech/languageModel/sentences.js';
import type { NormaliserName } from '../speech/text/normaliser.js';
import { ratesOf } from '../speech/text/wer.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { columns, megabytes, percent } from './columns.js';
import { examples } from './help.js';
import {
  addJson,
  addModelOption,
  addNormaliserOption,
  addOut,
  addSpeech,
  addThreads,
  declare,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { collect, wholeNumber, wholeNumbers } from './options.js';
import { printJson } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

interface BuildOptions extends Pick<Given, 'json'> {
  readonly out: string;
  readonly order: number;
  readonly prune: readonly number[];
  readonly mixFor?: string;
  readonly exclude?: readonly string[];
}

interface TuneOptions extends Pick<Given, 'manifest' | 'threads' | 'json' | 'normaliser'> {
  readonly model?: string;
  readonly beamWidth: number;
}

/** Sets that models are judged or tuned on: their sentences are never learnt. */
const JUDGED: readonly string[] = ['holdout', 'dev'];

/** A text that a language model learns. */
interface Source {
  readonly name: string;
  readonly sentences: readonly string[];
  /** Sentences that were left out, because a judged set has them. */
  readonly leftOut: number;
}

/** `quantlab lm build|tune`: language models for the beam search. */
export function addLmCommand(program: Command, terminal: Terminal): void {
  const lm = program
    .command('lm')
    .description('Language models for the beam search: estimate one, tune its weights')
    .addHelpText('after', examples('lm build texts.txt -o mine.arpa.gz', 'lm tune mine.arpa.gz'));

  declare(
    lm.command('build'),
    addOut('file', 'where to write: X.arpa or X.arpa.gz; X.json and X.sentences beside it', '.arpa', '.arpa.gz'),
    addJson,
  )
    .description('Estimate an n-gram model with modified Kneser-Ney smoothing, and write it in ARPA form')
    .argument('<transcripts...>', 'texts, a sentence a line, or manifests (.jsonl)')
    .option('--order <n>', 'words in the longest n-gram', wholeNumber(1), 3)
    .addOption(
      new Option('--prune <list>', 'for each length, leave out what was seen so often or less')
        .argParser(wholeNumbers(0))
        .default([0], '0'),
    )
    .option('--mix-for <set|path>', 'make a model of each text, and mix them so that this set is likeliest')
    .option('--exclude <set|path>', `leave out the sentences of this set too (always: ${JUDGED.join(', ')})`, collect)
    .addHelpText('after', examples('lm build texts.txt -o mine.arpa.gz --order 4'))
    .action(async (paths: readonly string[], options: BuildOptions) => {
      const judged = [...JUDGED, ...(options.exclude ?? [])];
      const sources = await readSources(paths, judged);
      const { model, weights } = await estimate(sources, options);
      await writeArpa(model, options.out);
      const digests = [...new Set(sources.flatMap(({ sentences }) => sentences.map(digestOf)))].sort();
      await writeFileAtomic(weightsPath(options.out).replace(/json$/, 'sentences'), `${digests.join('\n')}\n`);
      const built = {
        ngrams: Array.from({ length: model.order }, (_, i) => [...model.ngrams(i + 1)].length),
        sizeBytes: (await stat(options.out)).size,
        sha256: await sha256OfFile(options.out),
        smoothing: 'interpolated modified Kneser-Ney',
        prune: options.prune,
        distinctSentences: digests.length,
        leftOut: judged.map(shortName),
        texts: sources.map(({ name, sentences, leftOut }, i) => ({
          name,
          sentences: sentences.length,
          words: sentences.reduce((sum, sentence) => sum + sentence.split(' ').length, 0),
          leftOut,
          weight: Number((weights[i] ?? 1).toFixed(4)),
        })),
        ...(options.mixFor === undefined ? {} : { mixedFor: shortName(options.mixFor) }),
      };
      await writeFileAtomic(weightsPath(options.out), `${JSON.stringify({ built }, null, 2)}\n`);
      if (options.json) return printJson(built, terminal);
      const rows = built.texts.map((text) => [text.name, text.sentences, text.words, text.leftOut, text.weight]);
      terminal.print(columns(['text', 'sentences', 'words', 'left out', 'weight'], rows));
      terminal.print(`${options.out}: ${built.ngrams.join(', ')} n-grams, ${megabytes(built.sizeBytes)}\n`);
    });

  declare(lm.command('tune'), addSpeech('dev'), addModelOption(), addNormaliserOption, addThreads, addJson)
    .description(
      'Find the weights of a language model that err least on a development set; writes X.json beside X.arpa',
    )
    .argument('<file>', 'the language model')
    .option('--beam-width <n>', 'texts kept after each step', wholeNumber(1), BEAM_SEARCH_DEFAULTS.beamWidth)
    .addHelpText('after', examples('lm tune mine.arpa.gz --beam-width 64'))
    .action(async (file: string, options: TuneOptions) => await tune(languageModelPath(file), options, terminal));
}

/** A set's name, or the last two parts of a path: what a reader elsewhere may know. */
function shortName(path: string): string {
  return dirname(path) === '.' ? path : `${basename(dirname(path))}/${basename(path)}`;
}

async function readSources(paths: readonly string[], judged: readonly string[]): Promise<Source[]> {
  const forbidden = new Set<string>();
  for (const name of judged) for (const sentence of await readSentences(manifestPath(name))) forbidden.add(sentence);
  const sources: Source[] = [];
  for (const path of paths) {
    const all = await readSentences(path);
    const sentences = all.filter((sentence) => !forbidden.has(sentence));
    sources.push({ name: basename(path), sentences, leftOut: all.length - sentences.length });
  }
  return sources;
}

async function estimate(
  sources: readonly Source[],
  { order, prune, mixFor }: BuildOptions,
): Promise<{ readonly model: NgramModel; readonly weights: readonly number[] }> {
  const wordsOf = ({ sentences }: Source): string[][] => sentences.map((sentence) => sentence.split(' '));
  if (mixFor === undefined) return { model: trainKneserNey(sources.flatMap(wordsOf), { order, prune }), weights: [] };
  const models = sources.map((source) => trainKneserNey(wordsOf(source), { order, prune }));
  const likely = (await readSentences(manifestPath(mixFor))).map((sentence) => sentence.split(' '));
  const weights = fitMixture(models, likely);
  return { model: mixModels(models, weights), weights };
}

async function tune(file: string, options: TuneOptions, terminal: Terminal): Promise<void> {
  const languageModel = await readArpa(file);
  const utterances = await heardOf(options.manifest, terminal);
  const model = await resolveModel(options.model ?? DEFAULT_MODEL);
  const ctcModel = { ...model, card: requireCtc(model.card) };
  const recognizer = await CtcRecognizer.load(ctcModel, { threads: await threadsOf(options) });
  const { labels, blank } = recognizer.card;
  for (const warning of new BeamSearch(labels, blank, { languageModel }).warnings)
    terminal.say(`warning: ${warning}\n`);
  const progress = terminal.progress();
  try {
    const scored: ScoredUtterance[] = [];
    for (const utterance of utterances) {
      terminal.signal.throwIfAborted();
      const [scores] = await recognizer.stages.infer([recognizer.stages.features(await readRecording(utterance))]);
      if (scores !== undefined) scored.push({ scores, reference: utterance.text });
      progress.update(scored.length, utterances.length, 'utterances');
    }
    const greedy = greedyRates(recognizer, scored, options.normaliser);
    let trials = 0;
    const { best, defaults } = tuneBeam(recognizer.card, languageModel, scored, {
      beamWidth: options.beamWidth,
      normaliser: options.normaliser,
      onTrial: (trial) => {
        terminal.signal.throwIfAborted();
        progress.update(++trials, 0, `trials, the last ${percent(trial.wer)}`);
      },
    });
    progress.stop();
    const tuned = {
      ...best.weights,
      tuned: {
        on: shortName(options.manifest),
        utterances: utterances.length,
        model: recognizer.card.id,
        modelSha256: await modelSha256(model),
        trials,
        wer: best.wer,
        cer: best.cer,
      },
    };
    const path = weightsPath(file);
    const before = await readFile(path, 'utf8').then(JSON.parse, () => ({}));
    await writeFileAtomic(path, `${JSON.stringify({ ...before, ...tuned }, null, 2)}\n`);
    if (options.json) return printJson({ ...tuned, defaults, greedy }, terminal);
    const header = ['decoder', 'alpha', 'beta', 'unknown', 'beam', 'WER', 'CER'];
    const rows = [
      ['greedy', '', '', '', '', percent(greedy.wer), percent(greedy.cer)],
      rowOf('defaults', defaults),
      rowOf('tuned', best),
    ];
    terminal.print(columns(header, rows));
    terminal.print(`${path}: written\n`);
  } finally {
    progress.stop();
    await recognizer.release();
  }
}

function greedyRates(
  { stages }: CtcRecognizer,
  scored: readonly ScoredUtterance[],
  normaliser: NormaliserName,
): { readonly wer: number; readonly cer: number } {
  return ratesOf(
    scored.map(({ scores, reference }) => ({ reference, text: stages.decode(scores).text })),
    normaliser,
  );
}

function rowOf(name: string, { weights, wer, cer }: WeightTrial): (string | number)[] {
  const { alpha, beta, unknownPenalty, beamWidth } = weights;
  return [name, alpha ?? '', beta ?? '', unknownPenalty ?? '', beamWidth ?? '', percent(wer), percent(cer)];
}

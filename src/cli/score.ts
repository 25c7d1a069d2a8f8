import { type Command, Option } from 'commander';
import { type AccuracySummary, normaliseHeard, summarizeAccuracy } from '../measure/accuracy/accuracy.js';
import type { Estimate } from '../measure/statistics/bootstrap.js';
import { alignWords } from '../speech/text/alignmentView.js';
import { readTranscriptPairs, TRANSCRIPT_FORMATS, type TranscriptFormat } from '../speech/text/transcriptFile.js';
import { countWordEdits, type ErrorMeasures, errorMeasures } from '../speech/text/wer.js';
import { columns, percent, tableOf } from './columns.js';
import { type ScoredText, wordErrors } from './errorView.js';
import { examples } from './help.js';
import { intervalsOf } from './intervals.js';
import { addErrors, addJson, addNormaliserOption, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface ScoreCommandOptions extends Pick<Given, 'errors' | 'json' | 'normaliser'> {
  readonly format?: TranscriptFormat;
}

/** Characters of scripts that are written without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese. */
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** `quantlab score REF HYP`: the errors of any recogniser's texts. */
export function addScoreCommand(program: Command, terminal: Terminal): void {
  declare(program.command('score'), addNormaliserOption, addErrors, addJson)
    .description('Word and character error rate of the texts of any recogniser, as jiwer computes them')
    .argument('<references>', 'what was said: a text a line, JSON Lines with id and text, or lines of `id text`')
    .argument('<hypotheses>', 'what was recognised, in the same form')
    .addOption(
      new Option('--format <name>', 'form of both files (default: told by their content)').choices(TRANSCRIPT_FORMATS),
    )
    .addHelpText(
      'after',
      examples(
        'score references.txt hypotheses.txt',
        'score references.jsonl hypotheses.jsonl --normaliser whisper --errors',
      ),
    )
    .action(async (references: string, hypotheses: string, options: ScoreCommandOptions) => {
      const { format, pairs } = await readTranscriptPairs(references, hypotheses, options.format);
      if (options.format === undefined && format === 'kaldi') {
        terminal.say('Lines are taken as `id text`; --format lines scores them as a whole.\n');
      }
      const heard = normaliseHeard(pairs, options.normaliser);
      const texts = heard.map(({ reference, text }, index) => ({ id: pairs[index]?.id ?? '', reference, text }));
      const summary = summarizeAccuracy(heard, 'none');
      const measures = errorMeasures(texts.map(({ reference, text }) => countWordEdits(reference, text)));
      if (options.json) return printJson(recordOf(summary, measures, texts, format, options), terminal);
      terminal.print(describe(summary, measures));
      if (texts.some(({ reference }) => WITHOUT_SPACES.test(reference))) {
        terminal.say(
          'References have a script that is written without spaces: a word is then what stands between two spaces, and CER is the measure.\n',
        );
      }
      if (options.errors) terminal.print(`\n${wordErrors(texts)}`);
    });
}

function recordOf(
  { wer, cer, bySpeaker, ...counts }: AccuracySummary,
  measures: ErrorMeasures,
  texts: readonly ScoredText[],
  format: TranscriptFormat,
  { normaliser, errors }: ScoreCommandOptions,
): Record<string, unknown> {
  return {
    ...counts,
    format,
    normaliser,
    wer: wer.value,
    cer: cer.value,
    mer: measures.matchErrorRate,
    wil: measures.informationLost,
    wip: measures.informationPreserved,
    ...intervalsOf({ wer, cer, bySpeaker }),
    ...(errors && { alignments: texts.map(({ id, reference, text }) => ({ id, words: alignWords(reference, text) })) }),
  };
}

function describe({ utterances, words, wer, cer, ...edits }: AccuracySummary, measures: ErrorMeasures): string {
  const rate = ({ value, low, high }: Estimate): string => `${percent(value)} (${percent(low)} to ${percent(high)})`;
  const table = tableOf([edits], {
    texts: () => utterances,
    words: () => words,
    sub: () => edits.substitutions,
    del: () => edits.deletions,
    ins: () => edits.insertions,
    'WER (95 % interval)': () => rate(wer),
    'CER (95 % interval)': () => rate(cer),
    MER: () => percent(measures.matchErrorRate),
    WIL: () => percent(measures.informationLost),
    WIP: () => percent(measures.informationPreserved),
  });
  return columns(...table);
}

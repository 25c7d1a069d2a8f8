import { type Command, Option } from 'commander';
import { type AccuracySummary, normaliseHeard, summarizeAccuracy } from '../measure/accuracy/accuracy.js';
import { alignWords } from '../speech/text/alignmentView.js';
import { readTranscriptPairs, TRANSCRIPT_FORMATS, type TranscriptFormat } from '../speech/text/transcriptFile.js';
import { countWordEdits, type ErrorMeasures, errorMeasures } from '../speech/text/wer.js';
import { columns, percent } from './columns.js';
import { type ScoredText, wordErrors } from './errorView.js';
import { examples } from './help.js';
import { intervalsOf } from './intervals.js';
import { addErrors, addJson, addNormaliserOption, declare, type NormaliserOptions } from './optionGroups.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface ScoreCommandOptions extends NormaliserOptions {
  readonly format?: TranscriptFormat;
  readonly errors?: true;
  readonly json?: true;
}

/** Characters of scripts that are written without spaces between words: Han, kana, Thai, Lao, Khmer, Burmese. */
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** `quantlab score REF HYP`: how wrong texts are that any recogniser heard. */
export function addScoreCommand(program: Command, terminal: Terminal): void {
  declare(program.command('score'), addNormaliserOption, addErrors, addJson)
    .description('Word and character error rate of texts that any recogniser heard, as jiwer computes them')
    .argument('<references>', 'what was said: a text a line, JSON Lines with id and text, or lines of `id text`')
    .argument('<hypotheses>', 'what was heard, in the same form')
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
      if (options.json) {
        printJson(recordOf(summary, measures, texts, format, options), terminal);
        return;
      }
      terminal.print(tableOf(summary, measures));
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

function tableOf({ utterances, words, wer, cer, ...edits }: AccuracySummary, measures: ErrorMeasures): string {
  const header = [
    'texts',
    'words',
    'sub',
    'del',
    'ins',
    'WER (95 % interval)',
    'CER (95 % interval)',
    'MER',
    'WIL',
    'WIP',
  ];
  const [match, lost, preserved] = [measures.matchErrorRate, measures.informationLost, measures.informationPreserved];
  const rates = [wer, cer].map(({ value, low, high }) => `${percent(value)} (${percent(low)} to ${percent(high)})`);
  const shares = [match, lost, preserved].map(percent);
  return columns(header, [
    [utterances, words, edits.substitutions, edits.deletions, edits.insertions, ...rates, ...shares],
  ]);
}

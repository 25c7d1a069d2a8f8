import { basename } from 'node:path';
import type { Command } from 'commander';
import type { LossSummary } from '../measure/accuracy/referenceLoss.js';
import { evaluate, type ModelEvaluation } from '../measure/latency/bench.js';
import type { Estimate } from '../measure/statistics/bootstrap.js';
import { describeDecoder } from '../recognise/recognizer.js';
import { testText } from '../report/accuracyText.js';
import { alignWords } from '../speech/text/alignmentView.js';
import type { Utterance } from '../speech/types.js';
import { type Cell, percent } from './columns.js';
import { addDecoderOptions, type DecoderCommandOptions, decoderOptions } from './decoderOptions.js';
import { wordErrors } from './errorView.js';
import { examples } from './help.js';
import { intervalsOf } from './intervals.js';
import { namedModels } from './models.js';
import {
  addErrors,
  addExport,
  addModels,
  addNormaliserOption,
  addThreads,
  declare,
  type Given,
  threadsOf,
} from './optionGroups.js';
import { collect } from './options.js';
import { type OutputOptions, printRecords, type SetTable } from './output.js';
import { heardOf } from './recordings.js';
import type { Terminal } from './terminal.js';

type EvaluateCommandOptions = Pick<Given, 'threads' | 'errors' | 'normaliser'> & {
  readonly manifest?: readonly string[];
} & DecoderCommandOptions &
  OutputOptions;

/** `quantlab evaluate`: how accurate models are. */
export function addEvaluateCommand(program: Command, terminal: Terminal): void {
  declare(
    program
      .command('evaluate')
      .option('--manifest <set|path>', 'speech: holdout, dev, calibration, or a manifest (default: holdout)', collect),
    ...[addModels, addNormaliserOption, addErrors, addDecoderOptions, addThreads, addExport],
  )
    .description(
      'Word and character error rate of models on a manifest, or on several pooled, and how they differ from the first one',
    )
    .addHelpText(
      'after',
      examples(
        'evaluate --manifest speech/an4/test.jsonl --decoder beam --lm prompts',
        'evaluate deepspeech2-lstm small.onnx --manifest holdout --manifest speech/an4/test.jsonl',
      ),
    )
    .action(async (names: readonly string[], options: EvaluateCommandOptions) => {
      const decoder = decoderOptions(options);
      const models = await namedModels(names);
      const utterances: Utterance[] = [];
      for (const manifest of options.manifest ?? ['holdout']) utterances.push(...(await heardOf(manifest, terminal)));
      const warnings = await Promise.all(
        models.map(async ({ card }) => (await describeDecoder(card, decoder)).warnings),
      );
      for (const warning of new Set(warnings.flat())) terminal.say(`warning: ${warning}\n`);
      const progress = terminal.progress();
      const evaluations = await evaluate(models, {
        utterances,
        normaliser: options.normaliser,
        decoder,
        signal: terminal.signal,
        onProgress: (done, total) => progress.update(done, total, 'utterances'),
        threads: await threadsOf(options),
      }).finally(progress.stop);
      printRecords(
        evaluations,
        options,
        terminal,
        (table) =>
          [
            accuracyTable(evaluations, table),
            ...(evaluations.length > 1 ? [`\n${comparisonTable(evaluations, table)}`] : []),
            ...(options.errors ? evaluations.map((evaluation) => errorsOf(evaluation, utterances)) : []),
          ].join(''),
        evaluations.map((evaluation) => recordOf(evaluation, utterances, options)),
      );
    });
}

function recordOf(
  { wer, cer, path: _, heard, bySpeaker, comparison, ...counts }: ModelEvaluation,
  utterances: readonly Utterance[],
  { normaliser, decoder, lm, errors }: EvaluateCommandOptions,
): Record<string, unknown> {
  return {
    ...counts,
    normaliser,
    decoder,
    ...(lm !== undefined && { languageModel: basename(lm) }),
    wer: wer.value,
    cer: cer.value,
    ...intervalsOf({ wer, cer, bySpeaker }),
    comparison,
    ...(errors && {
      alignments: heard.map(({ reference, text }, index) => ({
        id: utterances[index]?.id,
        words: alignWords(reference, text),
      })),
    }),
  };
}

function accuracyTable(evaluations: readonly ModelEvaluation[], table: SetTable): string {
  const speakers = evaluations[0]?.bySpeaker?.speakers;
  const hasLoss = evaluations.some(({ loss }) => loss !== null);
  const header = ['model', 'utterances', 'words', 'sub', 'del', 'ins', 'WER (95 % interval)'];
  const rows = evaluations.map(({ model, utterances, words, wer, cer, bySpeaker, loss, ...edits }): readonly Cell[] => [
    model,
    utterances,
    words,
    edits.substitutions,
    edits.deletions,
    edits.insertions,
    `${percent(wer.value)} (${percent(wer.low)} to ${percent(wer.high)})`,
    ...(bySpeaker ? [`${percent(bySpeaker.wer.low)} to ${percent(bySpeaker.wer.high)}`] : []),
    percent(cer.value),
    ...(hasLoss ? [lossText(loss)] : []),
  ]);
  return table(
    [
      ...header,
      ...(speakers === undefined ? [] : [`over ${speakers} speakers`]),
      'CER',
      ...(hasLoss ? ['CTC loss, nats a frame'] : []),
    ],
    rows,
  );
}

function comparisonTable(evaluations: readonly ModelEvaluation[], table: SetTable): string {
  const [base] = evaluations;
  const hasChange = evaluations.some(({ loss }) => loss?.change);
  const header = [
    `against ${base?.model}`,
    'WER change (95 % interval)',
    ...(evaluations[1]?.comparison?.werChangeBySpeaker ? ['over speakers'] : []),
    ...(hasChange ? ['loss change, nats a frame'] : []),
    'p (matched pairs)',
    'segments',
    'P(improvement)',
    'same text',
    'WER against its text',
  ];
  const rows = evaluations.flatMap(({ model, comparison, loss }): (readonly Cell[])[] => {
    if (comparison === null) return [];
    const { werChange, werChangeBySpeaker: bySpeaker, matchedPairs, ...rest } = comparison;
    return [
      [
        model,
        `${points(werChange.value)} (${interval(werChange)})`,
        ...(bySpeaker === null ? [] : [interval(bySpeaker)]),
        ...(hasChange
          ? [loss?.change ? `${nats(loss.change.value)} (${nats(loss.change.low)} to ${nats(loss.change.high)})` : '']
          : []),
        matchedPairs.p === null ? 'not defined' : pValue(matchedPairs.p),
        matchedPairs.segments,
        percent(rest.probabilityOfImprovement),
        percent(rest.sameText),
        rest.werAgainstBase === null ? 'not defined' : percent(rest.werAgainstBase),
      ],
    ];
  });
  const tests = evaluations.flatMap(({ model, comparison }) =>
    comparison === null ? [] : [`${model}: ${testText(comparison.test)}.\n`],
  );
  return `${table(header, rows)}\n${tests.join('')}`;
}

function errorsOf({ model, heard }: ModelEvaluation, utterances: readonly Utterance[]): string {
  const texts = heard.map(({ reference, text }, index) => ({ id: utterances[index]?.id ?? '', reference, text }));
  return `\n== ${model} ==\n\n${wordErrors(texts)}`;
}

/** The loss of what was said, and how many recordings have none. */
function lossText(loss: LossSummary | null): string {
  if (loss === null) return '';
  return `${loss.perFrame.value.toFixed(3)}${loss.leftOut > 0 ? ` (${loss.leftOut} left out)` : ''}`;
}

/** A difference of losses: `+0.0039`. */
function nats(change: number): string {
  return `${change > 0 ? '+' : ''}${change.toFixed(4)}`;
}

/** A difference of rates in percentage points: `+0.39`. */
function points(change: number): string {
  const text = (100 * change).toFixed(2);
  return Number(text) > 0 ? `+${text}` : text;
}

function interval({ low, high }: Estimate): string {
  return `${points(low)} to ${points(high)} points`;
}

function pValue(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}

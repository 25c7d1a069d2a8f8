import type { Command } from 'commander';
import { DEFAULT_MODEL, manifestPath } from '../experiment/plan.js';
import { evaluateModels } from '../measure/bench.js';
import { resolveModel } from '../model/registry.js';
import { readManifest } from '../speech/manifest.js';
import { columns, percent } from './columns.js';
import { collect, wholeNumber } from './options.js';
import type { Terminal } from './terminal.js';

interface EvaluateCommandOptions {
  readonly manifest: string;
  readonly model?: readonly string[];
  readonly threads?: number;
  readonly json?: true;
}

/** `quantlab evaluate`: how well models hear. */
export function addEvaluateCommand(program: Command, terminal: Terminal): void {
  program
    .command('evaluate')
    .description('Word and character error rate of models on a manifest, edits summed over the corpus')
    .option('--manifest <set|path>', 'holdout, dev, calibration, or a manifest', 'holdout')
    .option('--model <id|path>', `a model (may be given several times; default: ${DEFAULT_MODEL})`, collect)
    .option('--threads <n>', 'threads of one operator (default: one for each physical core)', wholeNumber(1))
    .option('--json', 'print JSON')
    .action(async (options: EvaluateCommandOptions) => {
      const utterances = await readManifest(manifestPath(options.manifest));
      const models = await Promise.all((options.model ?? [DEFAULT_MODEL]).map((model) => resolveModel(model)));
      const progress = terminal.progress();
      try {
        const evaluations = await evaluateModels(models, {
          utterances,
          signal: terminal.signal,
          onProgress: (done, total) => progress.update(done, total, 'utterances'),
          ...(options.threads !== undefined && { threads: options.threads }),
        });
        progress.stop();
        if (options.json) {
          const records = evaluations.map(({ wer, cer, path: _, ...counts }) => ({
            ...counts,
            wer: wer.value,
            cer: cer.value,
            interval: { level: 0.95, wer: [wer.low, wer.high], cer: [cer.low, cer.high] },
          }));
          terminal.print(`${JSON.stringify(records, null, 2)}\n`);
          return;
        }
        const rows = evaluations.map(({ model, utterances: count, words, wer, cer, ...edits }) => [
          model,
          count,
          words,
          edits.substitutions,
          edits.deletions,
          edits.insertions,
          `${percent(wer.value)} (${percent(wer.low)} to ${percent(wer.high)})`,
          percent(cer.value),
        ]);
        terminal.print(
          columns(['model', 'utterances', 'words', 'sub', 'del', 'ins', 'WER (95 % interval)', 'CER'], rows),
        );
      } finally {
        progress.stop();
      }
    });
}

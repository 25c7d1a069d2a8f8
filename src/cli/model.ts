import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { readCard } from '../model/card.js';
import { packModel } from '../model/pack.js';
import { listModels } from '../model/registry.js';
import { columns, megabytes, percent } from './columns.js';
import type { Terminal } from './terminal.js';

interface PackOptions {
  readonly card: string;
  readonly out: string;
}

/** `quantlab model list|pack`: the shipped models. */
export function addModelCommand(program: Command, terminal: Terminal): void {
  const model = program.command('model').description('The shipped models: list them, pack new weights');

  model
    .command('list')
    .description('List the models with the figures of their cards')
    .option('--json', 'print the cards as JSON')
    .action(async (options: { readonly json?: true }) => {
      const cards = await listModels();
      if (options.json) {
        terminal.print(`${JSON.stringify(cards, null, 2)}\n`);
        return;
      }
      for (const card of cards) {
        const { half, float } = card.files;
        terminal.print(`${card.id}: ${card.title}\n`);
        terminal.print(
          `  ${(card.parameters / 1e6).toFixed(1)} M parameters, ${megabytes(float.sizeBytes)} (${megabytes(half.sizeBytes)} as shipped), ${card.licence}\n`,
        );
        terminal.print(`  ${card.network}\n  ${card.limits}\n`);
        const rows = card.figures.map(({ set, utterances, words, wer, cer }) => [
          set,
          utterances,
          words,
          percent(wer),
          percent(cer),
        ]);
        terminal.print(columns(['set', 'utterances', 'words', 'WER', 'CER'], rows).replace(/^(?=.)/gm, '  '));
      }
    });

  model
    .command('pack')
    .description('Pack trained float32 weights for shipping: half precision and a card with checksums')
    .argument('<model.onnx>', 'the float32 model')
    .requiredOption('--card <model.json>', 'the rest of the card; its files and parameters are computed anew')
    .requiredOption('--out <folder>', "folder named by the model's id, for example data/models/deepspeech2-lstm")
    .action(async (path: string, options: PackOptions) => {
      const draft = await readCard(options.card);
      const folder = resolve(options.out);
      const packed = await packModel(path, { ...draft, id: basename(folder) }, folder);
      terminal.print(`${packed.halfPath}: ${megabytes(packed.card.files.half.sizeBytes)}\n${packed.cardPath}\n`);
      if (packed.roundedValues > 0) {
        terminal.say(
          `${packed.roundedValues} values were rounded to half precision: measure the figures of the card again\n`,
        );
      }
    });
}

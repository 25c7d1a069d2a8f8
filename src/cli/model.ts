import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { didYouMean, UsageError } from '../errors.js';
import type { DeepSpeech2Options } from '../onnx/build/build.js';
import { type ModelCard, shippedBytes } from '../recognise/card/card.js';
import { readCard } from '../recognise/card/readCard.js';
import { getWhisper } from '../recognise/import/getWhisper.js';
import { importModel } from '../recognise/import/importModel.js';
import { publishedWhisper, publishedWhispers } from '../recognise/import/publishedWhispers.js';
import { buildModel } from '../recognise/kinds/ctc/buildModel.js';
import { type GetModelOptions, getModel } from '../recognise/registry/getModel.js';
import { listModels, resolveModel } from '../recognise/registry/registry.js';
import { unpackModel } from '../recognise/registry/unpackModel.js';
import { packModel } from '../recognise/weights/pack.js';
import { megabytes } from './columns.js';
import { examples } from './help.js';
import { modelTable } from './modelTable.js';
import { addFrom, addJson, addSeed, declare } from './optionGroups.js';
import { wholeNumber, writableFile } from './options.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface PackOptions {
  readonly card: string;
  readonly out: string;
}

type BuildOptions = Pick<DeepSpeech2Options, 'cell' | 'front' | 'layers' | 'units' | 'seed'>;

/** `quantlab model list|build|pack|import|get|unpack`: the shipped models, and those of others. */
export function addModelCommand(program: Command, terminal: Terminal): void {
  const model = program
    .command('model')
    .description(
      'The models: list the shipped ones, get others, import a Whisper, build one of any size, pack and unpack weights',
    )
    .addHelpText('after', examples('model list', 'model build big.onnx --layers 7'));

  declare(model.command('list'), addJson)
    .description('List the models: size, training, error rates with intervals, intended use, limits')
    .addHelpText('after', examples('model list', 'model list --json'))
    .action(async (options: { readonly json?: true }) => {
      const cards = await listModels();
      if (options.json) return printJson(cards, terminal);
      terminal.print(
        `${modelTable(cards)}Word error rates in per cent, with 95 % intervals; hours of training, augmented copies included.\n`,
      );
      for (const card of cards) terminal.print(aboutModel(card));
    });

  declare(model.command('build'), addSeed)
    .description('Build a Deep Speech 2 of any size with seeded random weights, to measure speed and size')
    .argument('<model.onnx>', 'where to write; its card is written beside it', writableFile('.onnx'))
    .addOption(new Option('--cell <cell>', 'recurrent cell').choices(['lstm', 'gru', 'rnn']).default('lstm'))
    .addOption(
      new Option('--front <front>', "the paper's two convolutions, or residual blocks with LayerNorm and GELU")
        .choices(['deepspeech2', 'residual'])
        .default('deepspeech2'),
    )
    .option('--layers <n>', 'bidirectional recurrent layers', wholeNumber(1), 5)
    .option('--units <n>', 'units of each direction', wholeNumber(1), 1024)
    .addHelpText('after', examples('model build big.onnx --layers 7 --units 800'))
    .action(async (path: string, options: BuildOptions) => {
      await buildModel(path, options);
      terminal.print(`${path}: ${megabytes((await stat(path)).size)}\n${path.replace(/\.onnx$/, '.json')}\n`);
    });

  model
    .command('pack')
    .description('Pack trained float32 weights for shipping: coded half precision and a card with checksums')
    .argument('<model.onnx>', 'the float32 model')
    .requiredOption('--card <model.json>', 'the rest of the card; its files and parameters are computed anew')
    .requiredOption('-o, --out <folder>', "folder named by the model's id, for example data/models/deepspeech2-lstm")
    .addHelpText('after', examples('model pack model.onnx --card model.json -o data/models/mine'))
    .action(async (path: string, options: PackOptions) => {
      const draft = await readCard(options.card);
      const folder = resolve(options.out);
      const packed = await packModel(path, { ...draft, id: basename(folder) }, folder);
      terminal.print(
        `${packed.weightsPath}: ${megabytes((await stat(packed.weightsPath)).size)}\n${packed.cardPath}\n`,
      );
      if (packed.roundedValues > 0) {
        terminal.say(
          `${packed.roundedValues} values were rounded to half precision: measure the figures of the card again\n`,
        );
      }
    });
  model
    .command('import')
    .description(
      'Make a model of the Whisper that another program keeps: Hugging Face, faster-whisper (CTranslate2), Optimum, transformers.js',
    )
    .argument('<folder>', 'with model.safetensors, model.bin or encoder_model.onnx; config.json and tokenizer.json')
    .requiredOption('-o, --out <folder>', 'where to write the model: its graphs, tokenizer and card')
    .addHelpText('after', examples('model import faster-whisper-tiny.en -o whisper-tiny.en'))
    .action(async (folder: string, options: { readonly out: string }) => {
      terminal.print(`${options.out}: ready, ${summaryOf(await importModel(folder, options.out))}\n`);
    });

  declare(model.command('get'), addFrom)
    .description(
      'Get a model that the package does not carry, and check it: its own weights, or a Whisper from Hugging Face; goes on where it was stopped',
    )
    .argument('<id>', `id of a model, or ${publishedWhispers().join(', ')}`)
    .addHelpText(
      'after',
      examples('model get whisper-tiny.en', 'model get deepspeech2-lstm --from quantlab/data/models'),
    )
    .action(async (id: string, { from }: { readonly from?: string }) => {
      const progress = terminal.progress();
      const options: GetModelOptions = {
        progress: (done, total) => progress.update(done, total ?? 0, 'download'),
        signal: terminal.signal,
      };
      try {
        const card = await getNamed(id, from, options);
        progress.stop();
        terminal.print(`${card.id}: ready, ${summaryOf(card)}\n`);
      } finally {
        progress.stop();
      }
    });

  model
    .command('unpack')
    .description('Write the float32 .onnx of a shipped model and its card, for other tools')
    .argument('<model>', 'id of a model')
    .argument('<folder>', 'where to write model.onnx and model.json')
    .addHelpText('after', examples('model unpack deepspeech2-lstm unpacked'))
    .action(async (id: string, folder: string) => {
      for (const path of await unpackModel(await resolveModel(id), folder)) {
        terminal.print(path.endsWith('.json') ? `${path}\n` : `${path}: ${megabytes((await stat(path)).size)}\n`);
      }
    });
}

async function getNamed(id: string, from: string | undefined, options: GetModelOptions): Promise<ModelCard> {
  const whisper = publishedWhisper(id);
  if (whisper !== undefined) return await getWhisper(id, whisper, { ...options, from });
  if (from !== undefined) return await getModel(id, from, options);
  const published = publishedWhispers();
  throw new UsageError(
    `model get ${id}: --from, where the model lies, was required of all but ${published.join(', ')}, got none; add it ${didYouMean(id, published)}`.trimEnd(),
  );
}

function summaryOf(card: ModelCard): string {
  const sizeBytes = shippedBytes(card);
  return sizeBytes === undefined ? card.title : `${card.title} (${megabytes(sizeBytes)})`;
}

function aboutModel({ id, title, licence, network, trainingData = [], intendedUse, limits }: ModelCard): string {
  const lines = [
    `${id}: ${title}${licence === undefined ? '' : ` (${licence})`}`,
    `  ${network}`,
    ...trainingData.map((line) => `  - ${line}`),
    ...(intendedUse === undefined ? [] : [`  For: ${intendedUse}`]),
    ...(limits === undefined ? [] : [`  Limits: ${limits}`]),
  ];
  return `\n${lines.join('\n')}\n`;
}

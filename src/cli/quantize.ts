import { type Command, Option } from 'commander';
import { applyRecipe, type RecipeResources } from '../compress/applyRecipe.js';
import { PRESET_NAMES, PRESETS, type Recipe, readRecipe, writeRecipe } from '../compress/recipe.js';
import { nothingDone } from '../compress/rewrite/nothingDone.js';
import { InputError } from '../errors.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import type { ModelCard } from '../recognise/card/card.js';
import { writeVariantCard } from '../recognise/card/variantCard.js';
import { calibratorOnArrays } from '../study/calibrateOnArrays.js';
import { calibrator } from '../tune/calibrate.js';
import { measuredHybrid } from '../tune/sensitivity.js';
import { megabytes } from './columns.js';
import { compressionTable } from './compressionTable.js';
import { examples } from './help.js';
import { describedFile } from './models.js';
import { addJson, addModel, addOut, declare } from './optionGroups.js';
import { collect, commaList } from './options.js';
import { printJson } from './output.js';
import { type RecipeOptions, withOptions } from './recipeOptions.js';
import type { Terminal } from './terminal.js';

interface QuantizeCommandOptions extends RecipeOptions {
  readonly out: string;
  readonly recipe: string;
  readonly calibrate: string;
  readonly inputs?: string;
  readonly measure: boolean;
  readonly json?: true;
}

/** `quantlab quantize IN -o OUT.onnx`: a smaller model, and what was done to each of its weights. */
export function addQuantizeCommand(program: Command, terminal: Terminal): void {
  declare(
    program.command('quantize'),
    addModel,
    addOut('model.onnx', 'where to write; its card is written beside it when the model has one', '.onnx'),
    addJson,
  )
    .description('Make a model smaller; report what was done to each weight, and why the rest was left')
    .option('--recipe <name|file>', `${PRESET_NAMES.join(', ')}, or a recipe file (.json)`, 'dynamic')
    .option('--op-types <list>', 'operators to quantize, for example MatMul,LSTM', commaList)
    .option('--per-channel', 'a scale for each output channel')
    .option('--reduce-range', 'use 7 of the 8 bits, for processors without VNNI')
    .addOption(new Option('--weight-type <type>', 'integers of the weights').choices(['int8', 'uint8']))
    .option('--exclude <node>', 'leave this node in float (may be given several times)', collect)
    .option('--calibrate <set|path>', 'speech for static steps: calibration, dev, or a manifest', 'calibration')
    .option(
      '--inputs <file>',
      'calibrate on arrays instead: .npz with `input` or `input_0`, `input_1` … of each input, or .npy',
    )
    .option('--no-measure', 'take the hybrid recipe as it is, without measuring each layer on this machine')
    .addHelpText(
      'after',
      examples(
        'quantize deepspeech2-lstm -o small.onnx',
        'quantize model.onnx -o small.onnx --recipe static --inputs samples.npz',
      ),
    )
    .action(async (input: string, options: QuantizeCommandOptions) => {
      const asked = withOptions(await readRecipe(options.recipe), options);
      const { path, card } = await describedFile(input);
      const float = await readModel(path);
      // Before anything is written: the output may be the input.
      const before = await modelFileSize(float);
      const recipe =
        card && options.measure && options.inputs === undefined && asked.name === PRESETS.hybrid.name
          ? await measureHybrid(float, card, options, terminal)
          : asked;
      const progress = terminal.progress();
      const onProgress = (done: number, total: number): void => progress.update(done, total, 'calibration');
      const resources: RecipeResources =
        options.inputs !== undefined
          ? { calibrate: calibratorOnArrays(options.inputs) }
          : card
            ? { calibrate: calibrator(card, { manifest: options.calibrate, onProgress, onLeftOut: terminal.leaveOut }) }
            : {};
      const { model, report } = await applyRecipe(float, recipe, resources).finally(progress.stop);
      // A recipe may rewrite nodes in float: there nothing is smaller, yet what was asked for was done.
      if (report.compressed.length === 0 && Object.keys(report.replacedNodes).length === 0) {
        throw new InputError(
          `${path}: weights that the recipe ${recipe.name} makes smaller were required, got ${nothingDone(float, recipe, report)}`,
        );
      }
      await writeModel(model, options.out);
      if (card) await writeVariantCard(card, options.out, recipe.name);
      const sizes = { before, after: await modelFileSize(await readModel(options.out)) };
      if (options.json) {
        printJson({ input: path, output: options.out, sizeBytes: sizes, report }, terminal);
      } else {
        terminal.print(compressionTable(recipe, report));
        terminal.print(
          `${options.out}: ${megabytes(sizes.before)} → ${megabytes(sizes.after)} (${(sizes.before / sizes.after).toFixed(2)} times smaller)\n`,
        );
      }
    });
}

/** Chooses for each layer what is fastest here, and writes the choices beside the model, so that others can apply them. */
async function measureHybrid(
  float: OnnxModel,
  card: ModelCard,
  options: QuantizeCommandOptions,
  terminal: Terminal,
): Promise<Recipe> {
  const progress = terminal.progress();
  const { recipe } = await measuredHybrid(float, card, {
    manifest: options.calibrate,
    onProgress: (done, total) => progress.update(done, total, 'measuring layers'),
  }).finally(progress.stop);
  const path = options.out.replace(/\.onnx$/, '.recipe.json');
  await writeRecipe(recipe, path);
  terminal.say(`${path}: the choices made on this machine\n`);
  return withOptions(recipe, options);
}

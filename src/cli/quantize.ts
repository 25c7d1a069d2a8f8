import { type Command, Option } from 'commander';
import { PRESETS, RECIPE_NAMES, type Recipe, readRecipe, writeRecipe } from '../compress/recipe.js';
import { sum } from '../measure/statistics/statistics.js';
import type { OnnxModel } from '../onnx/model.js';
import { variantPaths } from '../recognise/card/variantCard.js';
import type { ModelGraph, ResolvedModel } from '../recognise/model.js';
import { type DescribedModel, describedModel } from '../recognise/registry/describedModel.js';
import { type ModelLayout, quantizeModel } from '../tune/quantizeModel.js';
import { measuredHybrid } from '../tune/sensitivity.js';
import { megabytes } from './columns.js';
import { compressionTable } from './compressionTable.js';
import { examples } from './help.js';
import { addInputs, addJson, addModel, addModelOut, declare, type Given } from './optionGroups.js';
import { printJson } from './output.js';
import { addRecipeOptions, withOptions } from './recipeOptions.js';
import type { Terminal } from './terminal.js';

/** What a command has that writes a smaller model. */
export interface SmallerOptions extends Pick<Given, 'json'> {
  readonly out: string;
  readonly calibrate: string;
  readonly inputs?: string;
  readonly layout?: ModelLayout;
}

interface QuantizeCommandOptions extends SmallerOptions {
  readonly recipe: string;
  readonly measure: boolean;
}

/** The option of speech to calibrate on. */
export const CALIBRATE: readonly [flag: string, description: string, otherwise: string] = [
  '--calibrate <set|path>',
  'speech for what is calibrated: calibration, dev, or a manifest',
  'calibration',
];

/** `quantlab quantize IN -o OUT`: a smaller model, and what was done to each of its weights. */
export function addQuantizeCommand(program: Command, terminal: Terminal): void {
  declare(program.command('quantize'), addModel, addModelOut, addInputs, addJson, addRecipeOptions())
    .description('Make a model smaller; report what was done to each weight, and why the rest was left')
    .option('--recipe <name|file>', `${RECIPE_NAMES.join(', ')}, or a recipe file (.json)`, 'dynamic')
    .option(...CALIBRATE)
    .addOption(
      new Option('--layout <whose>', 'whose folder a Whisper becomes')
        .choices(['quantlab', 'transformers.js'])
        .default('quantlab'),
    )
    .option('--no-measure', 'take the hybrid recipe as it is, without measuring each layer on this machine')
    .addHelpText(
      'after',
      examples(
        'quantize whisper-tiny.en -o whisper-int8 --layout transformers.js',
        'quantize model.onnx -o small.onnx --recipe static --inputs samples.npz',
      ),
    )
    .action(async (input: string, options: QuantizeCommandOptions) => {
      const asked = withOptions(await readRecipe(options.recipe), { ...options });
      const model = await describedModel(input);
      const { card } = model;
      const isMeasured = options.measure && options.inputs === undefined && asked.name === PRESETS.hybrid.name;
      const recipeFor =
        card && isMeasured
          ? async (float: OnnxModel, graph: ModelGraph) =>
              await measureHybrid(float, { ...model, card }, graph, options, terminal)
          : undefined;
      await writeSmaller(model, asked, options, terminal, recipeFor);
    });
}

/** Applies a recipe to a model, writes what comes of it, and tells what was done. */
export async function writeSmaller(
  model: DescribedModel,
  recipe: Recipe,
  options: SmallerOptions,
  terminal: Terminal,
  recipeFor?: (float: OnnxModel, graph: ModelGraph) => Promise<Recipe>,
): Promise<void> {
  const progress = terminal.progress();
  const graphs = await quantizeModel(model, recipe, {
    out: options.out,
    inputs: options.inputs,
    layout: options.layout,
    manifest: options.calibrate,
    onProgress: (done, total) => progress.update(done, total, 'calibration'),
    onLeftOut: terminal.leaveOut,
    signal: terminal.signal,
    recipeFor,
  }).finally(progress.stop);
  const sizes = {
    before: sum(graphs.map(({ sizeBytes }) => sizeBytes.before)),
    after: sum(graphs.map(({ sizeBytes }) => sizeBytes.after)),
  };
  const [only, ...others] = graphs;
  if (options.json) {
    const result = { input: model.path, output: options.out, sizeBytes: sizes };
    const reports = graphs.map(({ graph, path, sizeBytes, report }) => ({ graph, output: path, sizeBytes, report }));
    printJson(others.length === 0 ? { ...result, report: only?.report } : { ...result, graphs: reports }, terminal);
    return;
  }
  for (const { graph, recipe: applied, report } of graphs) {
    if (others.length > 0) terminal.print(`${graph}\n`);
    terminal.print(`${compressionTable(applied, report)}${others.length > 0 ? '\n' : ''}`);
  }
  terminal.print(
    `${options.out}: ${megabytes(sizes.before)} → ${megabytes(sizes.after)} (${(sizes.before / sizes.after).toFixed(2)} times smaller)\n`,
  );
}

/** Chooses for each layer what is fastest here, and writes the choices beside the model, so that others can apply them. */
async function measureHybrid(
  float: OnnxModel,
  model: ResolvedModel,
  { name }: ModelGraph,
  options: QuantizeCommandOptions,
  terminal: Terminal,
): Promise<Recipe> {
  const progress = terminal.progress();
  const { recipe } = await measuredHybrid(float, model, {
    graph: name,
    manifest: options.calibrate,
    signal: terminal.signal,
    onProgress: (done, total) => {
      if (done === 0) terminal.say(`${name}: measuring ${total} choices for its layers; --no-measure does without\n`);
      progress.update(done, total, 'measuring layers');
    },
  }).finally(progress.stop);
  const path = (variantPaths(model, options.out)[name] as string).replace(/\.onnx$/, '.recipe.json');
  await writeRecipe(recipe, path);
  terminal.say(`${path}: the choices made on this machine\n`);
  return withOptions(recipe, { ...options });
}

import { dirname } from 'node:path';
import type { Command } from 'commander';
import { applyRecipe } from '../compress/applyRecipe.js';
import { nothingDone } from '../compress/nothingDone.js';
import type { RecipeResources } from '../compress/pass.js';
import { PRESET_NAMES, PRESETS, type Recipe, readRecipe, writeRecipe } from '../compress/recipe.js';
import type { CompressionReport } from '../compress/rewrite/report.js';
import { InputError } from '../errors.js';
import { makeFolder } from '../files.js';
import { sum } from '../measure/statistics/statistics.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import type { OnnxModel } from '../onnx/model.js';
import { isFolder, variantPaths, writeVariantCard } from '../recognise/card/variantCard.js';
import { graphsOf, type ModelGraph, type ResolvedModel } from '../recognise/model.js';
import { calibratorOnArrays } from '../tune/arrays/onArrays.js';
import { calibrator } from '../tune/calibrate.js';
import { measuredHybrid } from '../tune/sensitivity.js';
import { megabytes } from './columns.js';
import { compressionTable } from './compressionTable.js';
import { examples } from './help.js';
import { type DescribedModel, describedModel } from './models.js';
import { addInputs, addJson, addModel, addModelOut, declare } from './optionGroups.js';
import { printJson } from './output.js';
import { addRecipeOptions, withOptions } from './recipeOptions.js';
import type { Terminal } from './terminal.js';

interface QuantizeCommandOptions {
  readonly out: string;
  readonly recipe: string;
  readonly calibrate: string;
  readonly inputs?: string;
  readonly measure: boolean;
  readonly json?: true;
}

/** `quantlab quantize IN -o OUT`: a smaller model, and what was done to each of its weights. */
export function addQuantizeCommand(program: Command, terminal: Terminal): void {
  declare(program.command('quantize'), addModel, addModelOut, addInputs, addJson, addRecipeOptions)
    .description('Make a model smaller; report what was done to each weight, and why the rest was left')
    .option('--recipe <name|file>', `${PRESET_NAMES.join(', ')}, or a recipe file (.json)`, 'dynamic')
    .option('--calibrate <set|path>', 'speech for static steps: calibration, dev, or a manifest', 'calibration')
    .option('--no-measure', 'take the hybrid recipe as it is, without measuring each layer on this machine')
    .addHelpText(
      'after',
      examples(
        'quantize whisper-tiny.en -o whisper-int8',
        'quantize model.onnx -o small.onnx --recipe static --inputs samples.npz',
      ),
    )
    .action(async (input: string, options: QuantizeCommandOptions) => {
      const asked = withOptions(await readRecipe(options.recipe), { ...options });
      const model = await describedModel(input);
      requireOut(model, options.out);
      const outs = variantPaths(model, options.out);
      const made: MadeGraph[] = [];
      // All before anything is written: the output may be the input.
      for (const graph of graphsOf(model)) made.push(await quantizeGraph(model, graph, asked, options, terminal));
      if (made.every(({ reason }) => reason !== null))
        throw new InputError(made.map(({ reason }) => reason).join('; '));
      const graphs = [];
      for (const { graph, recipe, onnx, before, report } of made) {
        const out = outs[graph.name] as string;
        await makeFolder(dirname(out));
        await writeModel(onnx, out);
        const after = await modelFileSize(await readModel(out));
        graphs.push({ graph: graph.name, output: out, sizeBytes: { before, after }, recipe, report });
      }
      const { card, files } = model;
      if (card) await writeVariantCard({ card, files }, outs, asked.name);
      const sizes = {
        before: sum(graphs.map(({ sizeBytes }) => sizeBytes.before)),
        after: sum(graphs.map(({ sizeBytes }) => sizeBytes.after)),
      };
      const [only, ...others] = graphs;
      if (options.json) {
        const result = { input: model.path, output: options.out, sizeBytes: sizes };
        const reports = graphs.map(({ recipe: _, ...rest }) => rest);
        printJson(others.length === 0 ? { ...result, report: only?.report } : { ...result, graphs: reports }, terminal);
        return;
      }
      for (const { graph, recipe, report } of graphs) {
        if (others.length > 0) terminal.print(`${graph}\n`);
        terminal.print(`${compressionTable(recipe, report)}${others.length > 0 ? '\n' : ''}`);
      }
      terminal.print(
        `${options.out}: ${megabytes(sizes.before)} → ${megabytes(sizes.after)} (${(sizes.before / sizes.after).toFixed(2)} times smaller)\n`,
      );
    });
}

/** A model of one file becomes a file, a folder a folder. */
function requireOut(model: DescribedModel, out: string): void {
  if (isFolder(model) === !out.endsWith('.onnx')) return;
  const wanted = isFolder(model) ? `a folder, since ${model.path} has several files,` : 'a name ending in .onnx';
  throw new InputError(`${out}: ${wanted} was required, got another name; change -o`);
}

/** What became of one graph. */
interface MadeGraph {
  readonly graph: ModelGraph;
  readonly recipe: Recipe;
  readonly onnx: OnnxModel;
  readonly report: CompressionReport;
  /** Size of its file before, in bytes. */
  readonly before: number;
  /** Why nothing was made smaller; `null` where something was. */
  readonly reason: string | null;
}

async function quantizeGraph(
  { card, ...model }: DescribedModel,
  graph: ModelGraph,
  asked: Recipe,
  options: QuantizeCommandOptions,
  terminal: Terminal,
): Promise<MadeGraph> {
  const { path, name } = graph;
  const float = await readModel(path);
  const before = await modelFileSize(float);
  const recipe =
    card && options.measure && options.inputs === undefined && asked.name === PRESETS.hybrid.name
      ? await measureHybrid(float, { ...model, card }, graph, options, terminal)
      : asked;
  const progress = terminal.progress();
  const onProgress = (done: number, total: number): void => progress.update(done, total, 'calibration');
  const speech = { manifest: options.calibrate, graph: name, onProgress, onLeftOut: terminal.leaveOut };
  const resources: RecipeResources =
    options.inputs !== undefined
      ? { calibrate: calibratorOnArrays({ inputs: options.inputs }) }
      : card
        ? { calibrate: calibrator({ ...model, card }, speech) }
        : {};
  const { model: onnx, report } = await applyRecipe(float, recipe, resources).finally(progress.stop);
  // A recipe may rewrite nodes in float: there nothing is smaller, yet what was asked for was done.
  const isNothing = report.compressed.length === 0 && Object.keys(report.replacedNodes).length === 0;
  const reason = isNothing
    ? `${path}: weights that the recipe ${recipe.name} makes smaller were required, got ${nothingDone(float, recipe, report)}`
    : null;
  return { graph, recipe, onnx, report, before, reason };
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
    onProgress: (done, total) => progress.update(done, total, 'measuring layers'),
  }).finally(progress.stop);
  const path = (variantPaths(model, options.out)[name] as string).replace(/\.onnx$/, '.recipe.json');
  await writeRecipe(recipe, path);
  terminal.say(`${path}: the choices made on this machine\n`);
  return withOptions(recipe, { ...options });
}

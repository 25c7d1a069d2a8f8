import { chooseHybrid, type HybridOptions } from '../compress/choose/hybrid.js';
import { layersOf, recipeOf } from '../compress/choose/layers.js';
import { type LayerSensitivity, measureSensitivity, type Way } from '../compress/choose/sensitivity.js';
import { Memory } from '../compress/pass.js';
import type { Recipe } from '../compress/recipe.js';
import type { OnnxModel } from '../onnx/model.js';
import { kindOf } from '../recognise/kinds/kinds.js';
import { graphOf, type ResolvedModel } from '../recognise/model.js';
import { calibrator, remembering, sampler } from './calibrate.js';
import { profileOnSpeech, runOverSpeech, type SpeechOptions } from './speechRunner.js';

/** How layers are measured on speech. */
export interface SensitivityOnSpeechOptions extends Partial<SpeechOptions> {
  /** Utterances on which answers are compared: `calibration`, `dev`, or a path. Default: dev. */
  readonly manifest?: string;
  /** How many of them, evenly spread; their answers are kept in memory. Default 8. */
  readonly utterances?: number;
  /** Utterances that calibrate static layers, from the `calibration` set. Default: all. */
  readonly calibrationUtterances?: number;
  /** Names of the only layers to measure. Default: all. */
  readonly nodes?: readonly string[];
  /** What is done to each layer. Default: each form in fewer bits that its operator has. */
  readonly ways?: readonly Way[];
  /** Whether to take the time of each layer from the runtime's profile. Default true. */
  readonly timed?: boolean;
  /** Told before the first layer and choice, and after each. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Measures for each layer and each way of compressing it what it does to weights, to what the layer gives and to the
 * output, and the time that it saves on this machine.
 *
 * @param graph - of the model, in float32
 * @param model - the recogniser that runs the graph
 * @returns the most harmful first
 * @throws {InputError} when the model or the manifest cannot be read
 */
export async function sensitivityOnSpeech(
  graph: OnnxModel,
  model: ResolvedModel,
  options: SensitivityOnSpeechOptions = {},
): Promise<readonly LayerSensitivity[]> {
  const { manifest = 'dev', utterances = 8, threads, timed = true, calibrationUtterances } = options;
  const { name } = graphOf(model, options.graph);
  const limited = { graph: name, threads, signal: options.signal };
  const speech = { manifest, utterances, onLeftOut: options.onLeftOut, ...limited };
  const calibration = {
    ...limited,
    ...(calibrationUtterances === undefined ? {} : { utterances: calibrationUtterances }),
  };
  return await measureSensitivity(
    graph,
    {
      calibrate: remembering(calibrator(model, calibration)),
      samples: sampler(model, calibration),
      memory: new Memory(),
      run: (changed, tensors) => runOverSpeech(changed, tensors, model, speech),
      ...(timed ? { profile: (changed) => profileOnSpeech(changed, model, speech) } : {}),
    },
    {
      output: kindOf(model.card).judgedOutput(model.card, name),
      ...(options.nodes === undefined ? {} : { nodes: options.nodes }),
      ...(options.ways === undefined ? {} : { ways: options.ways }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    },
  );
}

/** A recipe chosen by measuring, and what was measured. */
export interface MeasuredHybrid {
  readonly recipe: Recipe;
  readonly measured: readonly LayerSensitivity[];
}

/**
 * Makes the hybrid recipe of a model for this machine: for each layer what saves most time among what keeps its error small.
 *
 * @throws {InputError} when the model or the manifest cannot be read
 */
export async function measuredHybrid(
  graph: OnnxModel,
  model: ResolvedModel,
  options: SensitivityOnSpeechOptions & HybridOptions = {},
): Promise<MeasuredHybrid> {
  const measured = await sensitivityOnSpeech(graph, model, { ...options, timed: true });
  const layers = layersOf(graph);
  const description = 'for each layer what saved most time on the machine where it was measured';
  return { recipe: recipeOf('hybrid', description, layers, chooseHybrid(layers, measured, options)), measured };
}

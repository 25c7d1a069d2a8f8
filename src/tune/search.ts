import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { applyRecipe } from '../compress/applyRecipe.js';
import { CalibrationTooSmall } from '../compress/calibrators/moments.js';
import { layersOf } from '../compress/choose/layers.js';
import {
  type RecipeScore,
  type SearchOptions,
  type SearchResult,
  type SearchTrial,
  searchRecipe,
} from '../compress/choose/search.js';
import { entropyCode } from '../compress/entropyCode.js';
import { Memory } from '../compress/pass.js';
import { parseRecipe, type Recipe } from '../compress/recipe.js';
import { InputError } from '../errors.js';
import { describeFileError, parseJson, writeFileAtomic } from '../files.js';
import { median } from '../measure/statistics/statistics.js';
import { modelFileSize } from '../onnx/file/modelFileSize.js';
import { readModel } from '../onnx/file/read.js';
import { writeModel } from '../onnx/file/write.js';
import { simplifyModel } from '../onnx/normalForm/simplify.js';
import type { Recognition } from '../recognise/kinds/kind.js';
import { graphOf, modelSha256, type ResolvedModel } from '../recognise/model.js';
import { Recognizer } from '../recognise/recognizer.js';
import { manifestPath } from '../recognise/registry/embedded.js';
import { type LeftOut, readRecording, readUtterances } from '../speech/corpora/recordings.js';
import { DEFAULT_NORMALISER, NORMALISER_NAMES, type NormaliserName } from '../speech/text/normaliser.js';
import { ratesOf } from '../speech/text/wer.js';
import type { Audio } from '../speech/types.js';
import { calibrator, remembering, sampler } from './calibrate.js';

/** Utterances on which the latencies are compared, evenly spread. */
const TURNS = 24;

/** How a search on speech goes. */
export interface SearchOnSpeechOptions extends Omit<SearchOptions, 'trace'> {
  /** Utterances that judge each recipe; never the hold-out. Default: dev. */
  readonly manifest?: string;
  /** Which graph of the model. Default: its only one. */
  readonly graph?: string | undefined;
  /** Threads of one operator. Default 1: with more, the two sessions that are compared spin against each other. */
  readonly threads?: number;
  /** JSON Lines, one trial a line, appended as trials finish; where it exists the search goes on from it. */
  readonly tracePath?: string;
  /** Form in which texts are compared. Default `plain`. */
  readonly normaliser?: NormaliserName | undefined;
  /** Told what cannot be tried, and why: calibration speech that is too short for what a layer reads. */
  readonly onNotTried?: ((why: string) => void) | undefined;
  /** Told of each recording that cannot be read: the others are used. */
  readonly onLeftOut?: ((leftOut: LeftOut) => void) | undefined;
}

const scoreSchema: z.ZodType<RecipeScore> = z.strictObject({
  error: z.number().nonnegative(),
  latencyRatio: z.number().nonnegative(),
  latencyMs: z.number().nonnegative(),
  sizeBytes: z.int().positive(),
});
const headSchema = z.strictObject({
  schema: z.literal('quantlab.search/2'),
  model: z.string(),
  graph: z.string().optional(),
  manifest: z.string(),
  threads: z.int(),
  isCoded: z.boolean(),
  normaliser: z.enum(NORMALISER_NAMES).optional(),
});
const lineSchema = z.strictObject({ recipe: z.unknown(), score: scoreSchema });

/**
 * Searches for the fastest, the smallest or the most accurate recipe within limits of word error rate, bytes and milliseconds: each
 * recipe transcribes the development set, its latency is compared with the float model's in turns, its size is that of the file.
 *
 * @throws {InputError} when the model, manifest or trace cannot be read, or the trace is of another model or setting
 */
export async function searchOnSpeech(model: ResolvedModel, options: SearchOnSpeechOptions): Promise<SearchResult> {
  const { manifest = 'dev', threads = 1, tracePath, normaliser = DEFAULT_NORMALISER, isCoded = false } = options;
  const graph = graphOf(model, options.graph);
  // In normal form already: what is remembered of it holds for every recipe.
  const { model: float } = simplifyModel(await readModel(graph.path));
  const utterances = await readUtterances(manifestPath(manifest), { onLeftOut: options.onLeftOut });
  const audios = await Promise.all(utterances.map(readRecording));
  const calibration = { threads, graph: graph.name };
  const resources = {
    calibrate: remembering(calibrator(model, calibration)),
    samples: sampler(model, calibration),
    memory: new Memory(),
  };
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-search-'));
  const head: z.infer<typeof headSchema> = {
    schema: 'quantlab.search/2',
    model: await modelSha256(model),
    ...(options.graph !== undefined && { graph: graph.name }),
    manifest,
    threads,
    isCoded,
    ...(normaliser !== DEFAULT_NORMALISER && { normaliser }),
  };
  const trace = tracePath === undefined ? [] : await openTrace(tracePath, head);

  const reference = await Recognizer.load(model, { threads });
  const evaluate = async (recipe: Recipe): Promise<RecipeScore | null> => {
    const path = join(folder, 'model.onnx');
    const applied = await applyRecipe(float, recipe, resources).catch((error: unknown) => {
      const { cause } = error as Error;
      if (!(cause instanceof CalibrationTooSmall)) throw error;
      options.onNotTried?.(cause.message);
      return null;
    });
    if (applied === null) return null;
    const { model: made, report } = applied;
    const isNothing = report.compressed.length === 0 && Object.keys(report.replacedNodes).length === 0;
    if (isNothing && recipe.steps.length > 0) return null;
    await writeModel(made, path);
    const recognizer = await Recognizer.load(
      { ...model, graphs: { ...model.graphs, [graph.name]: path } },
      { threads },
    );
    try {
      const heard = [];
      for (const [index, audio] of audios.entries()) {
        heard.push({ reference: utterances[index]?.text ?? '', text: (await recognizer.recognize(audio)).text });
      }
      const latency = await compareLatency(recognizer, reference, audios);
      if (isCoded) await writeModel(entropyCode(made).model, path);
      const sizeBytes = await modelFileSize(await readModel(path));
      return { error: ratesOf(heard, normaliser).wer, ...latency, sizeBytes };
    } finally {
      await recognizer.release();
    }
  };
  try {
    return await searchRecipe(layersOf(float), evaluate, {
      ...options,
      trace,
      async onTrial(trial, count) {
        if (tracePath !== undefined) await appendLine(tracePath, trial);
        await options.onTrial?.(trial, count);
      },
    });
  } finally {
    await reference.release();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Medians of inference times and of their quotients, float and compressed in turns: whatever else the machine does slows both.
 */
async function compareLatency(
  recognizer: Recognizer,
  reference: Recognizer,
  audios: readonly Audio[],
): Promise<Pick<RecipeScore, 'latencyRatio' | 'latencyMs'>> {
  const quotients: number[] = [];
  const times: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const audio = audios[Math.floor((turn * audios.length) / TURNS)] as Audio;
    const was = networkMs(await reference.recognize(audio));
    const is = networkMs(await recognizer.recognize(audio));
    quotients.push(is / was);
    times.push(is);
  }
  return { latencyRatio: median(quotients), latencyMs: median(times) };
}

/** What is not the front end's: the networks, and what they are followed by. */
function networkMs({ timing }: Recognition): number {
  return timing.totalMs - timing.featuresMs;
}

/** Reads the trials of a trace, or begins one. */
async function openTrace(path: string, head: z.infer<typeof headSchema>): Promise<readonly SearchTrial[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw describeFileError(path, error);
    await appendLine(path, head);
    return [];
  }
  // A line without its end was cut off while it was written.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) await writeFileAtomic(path, whole);
  const lines = whole.split('\n').filter((line) => line !== '');
  const [first = '{}', ...rest] = lines;
  const was = parseJson(first, headSchema, `${path}: line 1`);
  if (JSON.stringify(was) !== JSON.stringify(head)) {
    throw new InputError(
      `${path}: a trace of this model, manifest, number of threads and kind of size was required, got another; name a new file`,
    );
  }
  return rest.map((line, index) => {
    const where = `${path}: line ${index + 2}`;
    const { recipe, score } = parseJson(line, lineSchema, where);
    return { recipe: parseRecipe(JSON.stringify(recipe), where), score };
  });
}

async function appendLine(path: string, value: unknown): Promise<void> {
  try {
    await appendFile(path, `${JSON.stringify(value)}\n`);
  } catch (error) {
    throw describeFileError(path, error);
  }
}

import { z } from 'zod';
import { didYouMean, InputError } from '../errors.js';
import type { OnnxModel } from '../onnx/model.js';
import type { CalibrationOptions } from './calibrators/observer.js';
import type { ValueRange } from './calibrators/range.js';
import { NormalGraph } from './rewrite/normalGraph.js';
import type { CompressionReport } from './rewrite/report.js';
import type { Changed } from './rewrite/rewrite.js';

/** What calibration has to watch. */
export interface CalibrationPlan {
  /** Activations whose ranges are asked for, in the order of the graph. */
  readonly tensors: readonly string[];
  /** The model in normal form, normalisations folded, with those activations among its outputs. */
  readonly model: OnnxModel;
}

/** Runs a model on the same samples each time: sample after sample the float32 values of the tensors asked for. */
export type SampleRunner = (
  model: OnnxModel,
  tensors: readonly string[],
) => AsyncIterable<CalibrationSample> | Iterable<CalibrationSample>;

/** What a model answered for one sample: the values of each tensor watched, by name. */
export type CalibrationSample = Readonly<Record<string, Float32Array>>;

/** What passes need from outside: `compress` runs no model itself. */
export interface RecipeResources {
  /**
   * Runs the plan's model over the calibration set and gives the ranges of its tensors.
   * Needed by passes that say so; see `calibrator` of src/tune/calibrate.ts.
   */
  readonly calibrate?: (plan: CalibrationPlan, options: CalibrationOptions) => Promise<ReadonlyMap<string, ValueRange>>;
  /** Runs a model over the calibration set: needed by passes whose options say so. See `sampler` of src/tune/calibrate.ts. */
  readonly samples?: SampleRunner;
  /** Keeps what is slow to find out, where many recipes are tried on one model in normal form. */
  readonly memory?: Memory;
}

/** What was found out about models and tensors, as long as they are there. */
export class Memory {
  readonly #all = new WeakMap<object, Map<string, unknown>>();

  /** What is known of something; what is found out is written into it. */
  of<T>(thing: object): Map<string, T> {
    const known = this.#all.get(thing) ?? new Map<string, unknown>();
    this.#all.set(thing, known);
    return known as Map<string, T>;
  }
}

/** A smaller model and what was done to get it. */
export interface Compressed {
  readonly model: OnnxModel;
  readonly report: CompressionReport;
  /** Names of the scales that were made: constants of the new model that are no weights. */
  readonly params?: ReadonlySet<string>;
}

/**
 * When a pass has its turn in a recipe that is made layer by layer: what takes parts away (`structure`), then numbers (`zeros`, which
 * fitting parts would fill again), comes before what stores the rest in fewer bits; what calibration watches has to be in float yet;
 * `layer` is for layers that are named, `rest` for what is left, `code` for what is done to stored integers.
 */
export const STAGES = ['structure', 'zeros', 'calibrated', 'layer', 'rest', 'code'] as const;

/** Operators that carry the weights of a recogniser. */
export const LAYER_OPS = ['Conv', 'MatMul', 'Gemm', 'LSTM', 'GRU', 'RNN'] as const;

/** An operator that carries weights. */
export type LayerOp = (typeof LAYER_OPS)[number];

/** Places of the weight matrices, or of the kernel, among the inputs of an operator; biases are none. */
export function weightInputs(opType: LayerOp): readonly number[] {
  return opType === 'LSTM' || opType === 'GRU' || opType === 'RNN' ? [1, 2] : [1];
}

/** One thing that a pass can do to a single layer: search and sensitivity try each. */
export interface LayerForm<Options> {
  /** What it is called among the choices for a layer; for one operator it names one form. */
  readonly choice: string;
  readonly opTypes: readonly LayerOp[];
  /** The options that do it to the nodes named, and to no others. */
  options(nodes: readonly string[]): Options;
  /** The node, a MatMul, that it makes beside one: later steps do to it what they do to that one, where they can. */
  makes?(node: string): string;
  /** Whether nothing but the coded file gets smaller by it, and nothing faster. */
  readonly isForCoding?: true;
}

/** A schema with a field for each option; {@link optionsSchema} makes it. */
export type OptionsSchema<Options, Settings> = z.ZodType<Settings, Options> & {
  readonly shape: Readonly<Record<string, z.ZodType>>;
};

/**
 * A technique: one object that says all that others have to know of it. Recipes, the command line, search, sensitivity and
 * the docs read the list of them, `techniques.ts`.
 */
export interface Pass<Name extends string = string, Options extends object = object, Settings = Options> {
  /** Its name in recipes. */
  readonly name: Name;
  /** What it does, for sentences: `static quantization`. */
  readonly title: string;
  /** What it gains and what it costs, in a sentence. */
  readonly description: string;
  readonly stage: (typeof STAGES)[number];
  /** Its options, each with its default and its description: they are said here alone. */
  readonly options: OptionsSchema<Options, Settings>;
  /** What it needs from outside. */
  readonly needs?: 'calibration';
  /** What it can do to a single layer; why a layer stays as it is, its report says. */
  readonly forms?: readonly LayerForm<Options>[];
  /** The options that take a share of a layer's numbers away, about, 0…1: by them layers can be given shares of their own. */
  readonly taking?: (share: number) => Options;
  /** What it looks for, for errors: `constant weights of MatMul`. */
  looksFor(settings: Settings): string;
  /**
   * Does it.
   *
   * @param graph - in normal form; what comes back has to be, too
   * @throws {InputError} when the model or the options do not allow it
   */
  apply(
    graph: NormalGraph,
    settings: Settings,
    resources: RecipeResources,
    calibration: CalibrationOptions,
  ): Changed | Promise<Changed>;
}

/** The schema of a pass's options: a field for each, with `.default` where there is one and always `.meta({ description })` last. */
export function optionsSchema<Options extends object, Settings extends object = Required<Options>>(
  shape: {
    readonly [Key in keyof Options]-?: z.ZodType<
      Key extends keyof Settings ? Settings[Key] : never,
      Options[Key] | undefined
    >;
  },
): OptionsSchema<Options, Settings> {
  // The schema tells absent from undefined no more than JSON does.
  return z.strictObject(shape) as unknown as OptionsSchema<Options, Settings>;
}

/** A field that holds some of a list of names. */
export function someOf<const T extends readonly string[]>(
  known: T,
): z.ZodReadonly<z.ZodArray<z.ZodType<T[number], T[number]>>> {
  return z.array(z.enum(known) as unknown as z.ZodType<T[number], T[number]>).readonly();
}

/** A field that holds names of nodes or operators. */
export function someNames(): z.ZodReadonly<z.ZodArray<z.ZodString>> {
  return z.array(z.string()).readonly();
}

/** The option of nodes to leave. */
export const NODES_TO_EXCLUDE: z.ZodDefault<z.ZodReadonly<z.ZodArray<z.ZodString>>> = someNames()
  .default([])
  .meta({ description: 'leave this node in float', flag: 'exclude' });

/**
 * The options by which nodes are chosen: every pass describes them so. `flag` is what the command line calls an option.
 *
 * @param known - operators that the pass knows
 * @param usual - those of them that are taken where none is named; for others to say where it is left out
 */
export function nodeOptions<T extends string, Usual extends readonly T[] | undefined>(
  known: readonly T[],
  usual: Usual,
): {
  readonly opTypesToQuantize: z.ZodType<readonly T[] | Exclude<Usual, readonly T[]>, readonly T[] | undefined>;
  readonly nodesToQuantize: z.ZodType<readonly string[], readonly string[] | undefined>;
  readonly nodesToExclude: z.ZodType<readonly string[], readonly string[] | undefined>;
} {
  const some = someOf(known);
  const opTypes = usual === undefined ? some.optional() : some.default(usual);
  return {
    opTypesToQuantize: opTypes.meta({
      description: 'operators to work on, for example MatMul,LSTM',
      flag: 'op-types',
    }) as z.ZodType<readonly T[] | Exclude<Usual, readonly T[]>, readonly T[] | undefined>,
    nodesToQuantize: someNames()
      .default([])
      .meta({ description: 'work on this node only; all nodes where none is named', flag: 'only' }),
    nodesToExclude: NODES_TO_EXCLUDE,
  };
}

/** The option of what a calibration set decides. */
export const CALIBRATED: z.ZodDefault<z.ZodBoolean> = z
  .boolean()
  .default(false)
  .meta({ description: 'let the calibration set decide what goes; of units and factors, fit what stays to it' });

/**
 * Refuses the option where a technique is applied by itself, without a calibration set.
 *
 * @throws {InputError} where it is on
 */
export function refuseCalibrated({ calibrated }: { readonly calibrated: boolean }): void {
  if (calibrated) {
    throw new InputError('calibrated: a calibration set was required, got none; use applyRecipe with `samples`');
  }
}

/** How the option of scales is described. */
export const PER_CHANNEL: { readonly description: string } = {
  description: 'a scale for each output channel instead of one for each tensor (or direction of an LSTM)',
};

/** The option of 7 bits. */
export const REDUCE_RANGE: z.ZodDefault<z.ZodBoolean> = z
  .boolean()
  .default(false)
  .meta({ description: 'use 7 of the 8 bits, for processors without VNNI, whose 8-bit products saturate' });

/**
 * Options with their defaults.
 *
 * @throws {InputError} for an unknown option or an impossible value, by name
 */
export function settingsOf<Options extends object, Settings>(
  pass: Pick<Pass<string, Options, Settings>, 'options'>,
  options: Options,
): Settings {
  const result = pass.options.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [name = ''] = issue?.path ?? [];
  if (issue === undefined || issue.code === 'unrecognized_keys') {
    const known = Object.keys(pass.options.shape);
    const unknown = issue?.keys[0] ?? '';
    const hint = didYouMean(unknown, known) || 'leave it out';
    throw new InputError(`options: ${known.join(', ')} were required, got ${unknown}; ${hint}`);
  }
  const got = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)[key], options);
  const choices = [issue, ...(issue.code === 'invalid_union' ? issue.errors.flat() : [])];
  const values = choices.flatMap((one) => (one.code === 'invalid_value' ? one.values : []));
  const required = values.length > 0 ? `${values.join(', ')} was required` : issue.message;
  throw new InputError(`${String(name)}: ${required}, got ${String(got)}; choose another`);
}

/** Applies a pass that needs nothing from outside to a model by itself. */
export function applyAlone<Options extends object, Settings>(
  model: OnnxModel,
  pass: Pick<Pass<string, Options, Settings>, 'options'>,
  options: Options,
  apply: (graph: NormalGraph, settings: Settings) => Changed,
): Compressed {
  return namingFile(model, () => {
    const graph = NormalGraph.enter(model);
    const done = apply(graph, settingsOf(pass, options));
    const { report, params } = done;
    return { model: done.graph === graph ? model : done.graph.model, report, ...(params && { params }) };
  });
}

/** Says in errors of bad input which file it is about. */
export function namingFile<T>(model: OnnxModel, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw named(model, error);
  }
}

/** An error, with the file where it is about bad input and does not say so. */
export function named({ path }: OnnxModel, error: unknown): unknown {
  if (!(error instanceof InputError) || error.message.startsWith(path)) return error;
  return new InputError(`${path}: ${error.message}`, { cause: error });
}

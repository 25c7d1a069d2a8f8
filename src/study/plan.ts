import { dirname, isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { RECIPE_NAMES } from '../compress/recipe.js';
import { InputError } from '../errors.js';
import { readJson } from '../files.js';
import { defaultThreads } from '../measure/machine/environment.js';
import { DEFAULT_SEED } from '../random.js';
import { EMBEDDED_LANGUAGE_MODEL } from '../recognise/registry/embedded.js';
import { isPackageSet } from '../speech/corpora/packageSpeech.js';
import { NORMALISER_NAMES } from '../speech/text/normaliser.js';
import { LIMITS } from './limits.js';
import { type Condition, NO_RECIPE, type Protocol, type ResourceProtocol } from './schema.js';

/** What is to be measured: the conditions that are compared, and how. */
export interface ExperimentPlan extends Omit<Protocol, 'manifestSha256'> {
  /** `holdout`, `dev` or `calibration` of this package, or the path of a manifest. */
  readonly manifest: string;
  readonly conditions: readonly Condition[];
}

/** Model that is measured where nothing else is said. */
export const DEFAULT_MODEL = 'deepspeech2-lstm';

/** Whisper's encoder with CTC: what is measured beside it. */
export const SECOND_MODEL = 'whisper-ctc';

/** How memory and energy are measured where nothing else is said. */
const DEFAULT_RESOURCES: ResourceProtocol = { memoryRuns: 20, energyTrials: 150, streamPasses: 3 };

/** How often all conditions are started anew where nothing else is said. */
const DEFAULT_STARTS = 6;

/** How is measured where nothing else is said. */
export const DEFAULT_PROTOCOL: Omit<Protocol, 'manifestSha256'> = {
  manifest: 'holdout',
  latencyTrials: 300,
  throughputTrials: 100,
  batchSize: 8,
  warmUpRuns: { gpu: 10, cpu: 3 },
  seed: DEFAULT_SEED,
  resources: DEFAULT_RESOURCES,
};

/** What can be said of a default plan. */
export interface PlanOptions {
  /** Id or path of a model. */
  readonly model?: string;
  /** Threads of one operator. Default: one for each physical core. */
  readonly threads?: number;
}

/** Int8 that hears alike in every batch. */
export const BY_ROWS = 'by-rows';

/**
 * The experiment of this package: float32 and dynamic int8 on the processor, and float32 on a GPU. Where no model is named, int8 that
 * hears alike in every batch, and a second model, which hears better, stand beside them on the processor.
 */
export async function defaultPlan(options: PlanOptions = {}): Promise<ExperimentPlan> {
  const { model = DEFAULT_MODEL, threads = await defaultThreads() } = options;
  const isOwn = options.model === undefined;
  return {
    ...DEFAULT_PROTOCOL,
    ...languageModelFor(DEFAULT_PROTOCOL.manifest),
    starts: DEFAULT_STARTS,
    conditions: [
      ...onCpu(model, 'cpu', 'CPU', threads, isOwn),
      { id: 'gpu-float32', title: 'GPU float32', model, threads, recipe: NO_RECIPE, device: 'gpu' },
      ...(isOwn ? onCpu(SECOND_MODEL, SECOND_MODEL, 'Whisper-CTC', threads, true) : []),
    ],
  };
}

function onCpu(model: string, id: string, title: string, threads: number, byRows: boolean): readonly Condition[] {
  const shared = { model, threads, device: 'cpu' } as const;
  return [
    { id: `${id}-float32`, title: `${title} float32`, recipe: NO_RECIPE, ...shared },
    { id: `${id}-int8-dynamic`, title: `${title} int8 dynamic`, recipe: 'dynamic', ...shared },
    ...(byRows ? [{ id: `${id}-int8-by-rows`, title: `${title} int8 by rows`, recipe: BY_ROWS, ...shared }] : []),
  ];
}

interface ConditionEntry extends Omit<Condition, 'title' | 'model' | 'threads'> {
  readonly title?: string | undefined;
  readonly model?: string | undefined;
  readonly threads?: number | undefined;
}

interface PlanFile extends Omit<ExperimentPlan, 'conditions'> {
  readonly conditions?: readonly ConditionEntry[] | undefined;
}

const count = (most: number): z.ZodNumber => z.number().int().min(1).max(most);

function isEachOnce(names: readonly string[]): boolean {
  return new Set(names).size === names.length;
}

const RECIPES: readonly string[] = [NO_RECIPE, ...RECIPE_NAMES];

function isRecipe(name: string): boolean {
  return RECIPES.includes(name) || name.endsWith('.json');
}

const conditionSchema: z.ZodType<ConditionEntry> = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/i, 'letters, digits, dot, dash and underscore'),
  title: z.string().min(1).max(LIMITS.title).optional(),
  model: z.string().min(1).optional(),
  recipe: z.string().refine(isRecipe, `${RECIPES.join(', ')} or a file ending in .json`),
  device: z.enum(['cpu', 'gpu']),
  threads: count(LIMITS.threads).optional(),
});

const planSchema: z.ZodType<PlanFile> = z.strictObject({
  manifest: z.string().min(1).default(DEFAULT_PROTOCOL.manifest),
  latencyTrials: count(LIMITS.trials).default(DEFAULT_PROTOCOL.latencyTrials),
  throughputTrials: count(LIMITS.trials).default(DEFAULT_PROTOCOL.throughputTrials),
  batchSize: count(LIMITS.batchSize).default(DEFAULT_PROTOCOL.batchSize),
  warmUpRuns: z
    .strictObject({ gpu: count(LIMITS.warmUpRuns), cpu: count(LIMITS.warmUpRuns) })
    .default(DEFAULT_PROTOCOL.warmUpRuns),
  seed: z.number().int().default(DEFAULT_PROTOCOL.seed),
  starts: count(LIMITS.starts).default(DEFAULT_STARTS),
  accuracy: z.boolean().optional(),
  normaliser: z.enum(NORMALISER_NAMES).optional(),
  languageModel: z.string().min(1).optional(),
  resources: z
    .strictObject({
      memoryRuns: count(LIMITS.trials),
      energyTrials: count(LIMITS.trials).optional(),
      streamPasses: count(LIMITS.trials).optional(),
    })
    .default(DEFAULT_RESOURCES)
    .optional(),
  conditions: z
    .array(conditionSchema)
    .min(1)
    .max(LIMITS.conditions)
    .refine((all) => isEachOnce(all.map(({ id }) => id)), 'each id once')
    .refine((all) => isEachOnce(all.map(({ id, title }) => title ?? id)), 'each title once')
    .optional(),
});

/**
 * Reads a plan from a JSON file. Every field may be missing and is then as in {@link defaultPlan}; speech of one's own
 * is judged by the best path alone unless a language model is named. Of a condition, `id`, `recipe` and `device` are
 * needed. Paths of manifests, models, language models and recipes are relative to the file.
 *
 * @param path - the file
 * @throws {InputError} when it is missing, no JSON, or has an unknown or impossible field; the message names it
 * @example
 * { "latencyTrials": 50, "conditions": [{ "id": "float", "recipe": "none", "device": "cpu", "threads": 1 }] }
 */
export async function readPlan(path: string): Promise<ExperimentPlan> {
  const file = await readJson(path, planSchema);
  const defaults = await defaultPlan();
  const threads = defaults.conditions[0]?.threads ?? 1;
  const conditions = file.conditions?.map((entry) => ({
    id: entry.id,
    title: entry.title ?? entry.id,
    model: fromFile(entry.model ?? DEFAULT_MODEL, path, /\.(?:onnx|json)$/),
    threads: entry.threads ?? threads,
    recipe: fromFile(entry.recipe, path, /\.json$/),
    device: entry.device,
  }));
  const all = (conditions ?? defaults.conditions).length * (file.latencyTrials + file.throughputTrials);
  if (all > LIMITS.trials) {
    throw new InputError(
      `${path}: at most ${LIMITS.trials} trials of all conditions together were required, got ${all}; plan fewer trials or conditions`,
    );
  }
  const manifest = isPackageSet(file.manifest) ? file.manifest : fromFile(file.manifest, path, /./);
  const own = file.languageModel;
  return {
    ...file,
    manifest,
    ...(own === undefined ? languageModelFor(manifest) : { languageModel: fromFile(own, path, /\.arpa(?:\.gz)?$/) }),
    conditions: conditions ?? defaults.conditions,
  };
}

function fromFile(name: string, planPath: string, isPath: RegExp): string {
  return isAbsolute(name) || !isPath.test(name) ? name : join(dirname(planPath), name);
}

/** The part of a plan that is the language model where none is named: the package's own for its own speech, else none. */
export function languageModelFor(manifest: string): Pick<Protocol, 'languageModel'> {
  return isPackageSet(manifest) ? { languageModel: EMBEDDED_LANGUAGE_MODEL } : {};
}

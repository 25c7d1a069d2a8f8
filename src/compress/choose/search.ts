import { InputError } from '../../errors.js';
import { PRESETS, type Recipe } from '../recipe.js';
import {
  DECISIONS,
  type Decision,
  formsFor,
  type Layer,
  type LayerChoice,
  type LayerChoices,
  recipeOf,
  withForm,
} from './layers.js';

/** What a recipe gives. */
export interface RecipeScore {
  /** Word error rate, or another error that is smaller when better; a fraction. */
  readonly error: number;
  /** Time of an inference over that of the float model, measured side by side: below 1 is faster. */
  readonly latencyRatio: number;
  /** Median time of an inference, in milliseconds. */
  readonly latencyMs: number;
  /** Of the file; of its coded form, where that is what counts. */
  readonly sizeBytes: number;
}

/** A recipe that was tried. */
export interface SearchTrial {
  readonly recipe: Recipe;
  readonly score: RecipeScore;
}

/** Quotients of latencies that are nearer than this say nothing; more, where the float model against itself is not 1. */
const LATENCY_NOISE = 0.02;

/** What a search may look for. */
export const SEARCH_GOALS = ['fastest', 'smallest', 'most-accurate'] as const;

/** How {@link searchRecipe} searches. */
export interface SearchOptions {
  readonly goal: (typeof SEARCH_GOALS)[number];
  /** How much the error may grow above that of the float model; a fraction. Default: without limit. */
  readonly budget?: number | undefined;
  /** Bytes that the model may take. Default: without limit. */
  readonly maximumBytes?: number | undefined;
  /** Milliseconds that an inference may take in the median. Default: without limit. */
  readonly maximumMs?: number | undefined;
  /** Whether sizes are those of coded files: only then zeros gain something, and are tried. Default: false. */
  readonly isCoded?: boolean | undefined;
  /** Tries to make at least, where there are that many recipes. Default 50. */
  readonly minimumTrials?: number;
  /** Tries to make at most, once each form was tried. Default 120. */
  readonly maximumTrials?: number;
  /** Numbers in 0…1, the same each time for a search that can be resumed. */
  readonly random: () => number;
  /** Trials of a search that was cut off: they are not made again. */
  readonly trace?: readonly SearchTrial[];
  /** Told of each new trial. */
  readonly onTrial?: (trial: SearchTrial, count: number) => Promise<void> | void;
}

/** What a search found. */
export interface SearchResult {
  readonly best: SearchTrial;
  /** Whether the best recipe keeps to every limit; where none does, it is the one that comes nearest. */
  readonly isWithin: boolean;
  /** The float model. */
  readonly baseline: SearchTrial;
  /** The preset that is best within the limits, if one is. */
  readonly bestPreset: SearchTrial | null;
  /** Whether the best recipe is better than every preset within the limits: more accurate, smaller, or faster by more than 2 %
   * and by more than the float model differed from itself. */
  readonly beatsPresets: boolean;
  /** Every recipe that was tried, in order. */
  readonly trials: readonly SearchTrial[];
}

/** A form of some layers, by one of the decisions about them; `null` for none. */
interface Move {
  readonly layers: readonly Layer[];
  readonly decision: Decision;
  readonly form: string | null;
}

/**
 * Searches, among all techniques, for the fastest, the smallest or the most accurate recipe that keeps to limits of error, bytes
 * and time: the presets; each form alone, of layers that are alike together; all that helped, without the most harmful until the
 * error fits; then one decision at a time, about layers that are alike and about each, until nothing helps; then neighbours by
 * chance. What counts of a recipe is what was measured of it as a whole: nothing is added up.
 *
 * @param layers - of the model
 * @param evaluate - applies a recipe and measures it; `null` where it leaves the model as it is
 * @throws {InputError} when there is no layer to decide about, or an option is impossible
 */
export async function searchRecipe(
  layers: readonly Layer[],
  evaluate: (recipe: Recipe) => Promise<RecipeScore | null>,
  options: SearchOptions,
): Promise<SearchResult> {
  const { goal, minimumTrials = 50, maximumTrials = 120 } = options;
  checkOptions(layers, options);
  const known = new Map((options.trace ?? []).map((trial) => [keyOf(trial.recipe), trial]));
  const trials = new Map<string, SearchTrial>();
  const doNothing = new Set<string>();

  const attempt = async (recipe: Recipe): Promise<SearchTrial | null> => {
    const key = keyOf(recipe);
    const done = trials.get(key);
    if (done !== undefined || doNothing.has(key)) return done ?? null;
    const before = known.get(key);
    const score = before?.score ?? (await evaluate(recipe));
    if (score === null) {
      doNothing.add(key);
      return null;
    }
    const trial = before ?? { recipe, score };
    trials.set(key, trial);
    if (before === undefined) await options.onTrial?.(trial, trials.size);
    return trial;
  };
  const tryChoices = (choices: LayerChoices): Promise<SearchTrial | null> =>
    attempt(recipeOf(`search-${goal}`, `found by search for the ${goal} recipe`, layers, choices));

  const baseline = await tryChoices(new Map());
  if (baseline === null) throw new InputError('search: a score of the float model was required, got none');
  const order = orderOf(options, baseline);
  const isBetter = (one: SearchTrial, other: SearchTrial): boolean => {
    const [a, b] = [order(one), order(other)];
    const at = a.findIndex((value, index) => value !== b[index]);
    return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
  };
  const fits = (trial: SearchTrial): boolean => order(trial)[0] === 0;
  const presets: SearchTrial[] = [];
  for (const preset of Object.values(PRESETS)) {
    const trial = await attempt(preset);
    if (trial !== null) presets.push(trial);
  }

  // Each form alone.
  const groups = alike(layers);
  const idle = new Set<string>();
  const formsOf = ({ node, opType }: Layer, decision: Decision): readonly string[] =>
    formsFor(opType, decision)
      .filter(({ isForCoding }) => isForCoding !== true || options.isCoded === true)
      .map(({ choice }) => choice)
      .filter((choice) => !idle.has(`${node} ${choice}`));
  const helped: (Move & { readonly trial: SearchTrial })[] = [];
  for (const group of groups) {
    for (const decision of DECISIONS) {
      let best: (typeof helped)[number] | undefined;
      for (const form of formsOf(group[0], decision)) {
        const move = { layers: group, decision, form };
        const trial = await tryChoices(changed(new Map(), move));
        if (trial === null) for (const { node } of group) idle.add(`${node} ${form}`);
        else if (isBetter(trial, best?.trial ?? baseline)) best = { ...move, trial };
      }
      if (best !== undefined) helped.push(best);
    }
  }

  // All that helped, together; then without the most harmful until the error fits.
  let best: SearchTrial = baseline;
  let choices: LayerChoices = new Map();
  const improve = async (changed: LayerChoices): Promise<SearchTrial | null> => {
    const trial = await tryChoices(changed);
    if (trial !== null && isBetter(trial, best)) [best, choices] = [trial, changed];
    return trial;
  };
  helped.sort((a, b) => a.trial.score.error - b.trial.score.error);
  for (; helped.length > 0; helped.pop()) {
    const trial = await improve(helped.reduce<LayerChoices>(changed, new Map()));
    if (trial !== null && errorExcess(options, baseline, trial) === 0) break;
  }

  // One decision at a time.
  const sets = [...groups.filter(({ length }) => length > 1), ...layers.map((layer) => [layer] as const)];
  for (let before: SearchTrial | null = null; before !== best && trials.size < maximumTrials; ) {
    before = best;
    for (const set of sets) {
      for (const decision of DECISIONS) {
        for (const form of [null, ...formsOf(set[0], decision)]) {
          if (trials.size < maximumTrials) await improve(changed(choices, { layers: set, decision, form }));
        }
      }
    }
  }

  // Neighbours by chance.
  const forms = (layer: Layer): number =>
    DECISIONS.reduce((product, decision) => product * (1 + formsOf(layer, decision).length), 1);
  const space = layers.reduce((product, layer) => product * forms(layer), 1);
  const enough = Math.min(minimumTrials, maximumTrials, space);
  for (let misses = 0; trials.size < enough && misses < 1000; ) {
    const before = trials.size;
    let neighbour = choices;
    for (let count = 0; count < 2 + Math.min(layers.length, Math.floor(misses / 50)); count++) {
      const layer = pick(layers, options.random);
      const open = DECISIONS.filter((one) => formsOf(layer, one).length > 0);
      if (open.length === 0) continue;
      const decision = pick(open, options.random);
      const form = pick([null, ...formsOf(layer, decision)], options.random);
      neighbour = changed(neighbour, { layers: [layer], decision, form });
    }
    await improve(neighbour);
    misses = trials.size === before ? misses + 1 : 0;
  }

  const [bestPreset = null] = presets.filter(fits).sort((a, b) => (isBetter(a, b) ? -1 : 1));
  for (const preset of presets) if (isBetter(preset, best)) best = preset;
  const noise = goal === 'fastest' ? Math.max(LATENCY_NOISE, Math.abs(baseline.score.latencyRatio - 1)) : 0;
  const cost = (trial: SearchTrial): number => order(trial)[1] ?? 0;
  const beatsPresets =
    bestPreset === null
      ? best !== baseline && fits(best)
      : isBetter(best, bestPreset) && (noise === 0 || cost(best) < (1 - noise) * cost(bestPreset));
  return { best, isWithin: fits(best), baseline, bestPreset, beatsPresets, trials: [...trials.values()] };
}

function checkOptions(layers: readonly Layer[], { budget, maximumBytes, maximumMs }: SearchOptions): void {
  if (layers.length === 0)
    throw new InputError('search: a model with named layers was required, got none to decide about');
  if (budget !== undefined && !(budget >= 0)) {
    throw new InputError(`search: a budget of 0 or more was required, got ${budget}`);
  }
  for (const [name, limit] of Object.entries({ maximumBytes, maximumMs })) {
    if (limit !== undefined && !(limit > 0)) throw new InputError(`${name}: more than 0 was required, got ${limit}`);
  }
}

/** How recipes are put in order, the best first: by how far they are beyond the limits, then by the goal. */
function orderOf(options: SearchOptions, baseline: SearchTrial): (trial: SearchTrial) => readonly number[] {
  const { goal, maximumBytes, maximumMs } = options;
  const beyond = (value: number, limit = Number.POSITIVE_INFINITY): number => Math.max(0, value / limit - 1);
  return (trial) => {
    const { error, latencyRatio, latencyMs, sizeBytes } = trial.score;
    const excess =
      errorExcess(options, baseline, trial) + beyond(sizeBytes, maximumBytes) + beyond(latencyMs, maximumMs);
    if (goal === 'most-accurate') return [excess, error, sizeBytes];
    return [excess, goal === 'fastest' ? latencyRatio : sizeBytes];
  };
}

/** How far an error is beyond its limit; 0 within it. */
function errorExcess({ budget }: SearchOptions, baseline: SearchTrial, { score }: SearchTrial): number {
  return budget === undefined ? 0 : Math.max(0, score.error - (baseline.score.error + budget));
}

/** Layers of one operator that are as large as each other, together; in their order. */
function alike(layers: readonly Layer[]): readonly (readonly [Layer, ...Layer[]])[] {
  const groups = new Map<string, [Layer, ...Layer[]]>();
  for (const layer of layers) {
    const key = `${layer.opType} ${layer.parameters}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [layer]);
    else group.push(layer);
  }
  return [...groups.values()];
}

/** What tells recipes apart: their steps, whatever they are called. */
function keyOf(recipe: Recipe): string {
  return JSON.stringify(recipe.steps);
}

function changed(choices: LayerChoices, { layers, decision, form }: Move): LayerChoices {
  const made = new Map(choices);
  for (const { node, opType } of layers) {
    const choice: LayerChoice = withForm(opType, made.get(node) ?? 'float', decision, form);
    if (choice === 'float') made.delete(node);
    else made.set(node, choice);
  }
  return made;
}

function pick<T>(values: readonly T[], random: () => number): T {
  return values[Math.min(values.length - 1, Math.floor(random() * values.length))] as T;
}

import { InputError } from '../../errors.js';
import { PRESETS, type Recipe } from '../recipe.js';
import { choicesFor, type Layer, type LayerChoice, type LayerChoices, recipeOf } from './layers.js';

/** What a recipe gives. */
export interface RecipeScore {
  /** Word error rate, or another error that is smaller when better; a fraction. */
  readonly error: number;
  /** Time of an inference over that of the float model, measured side by side: below 1 is faster. */
  readonly latencyRatio: number;
  readonly sizeBytes: number;
}

/** A recipe that was tried. */
export interface SearchTrial {
  readonly recipe: Recipe;
  readonly score: RecipeScore;
}

/** Quotients of latencies that are nearer than this say nothing; more, where the float model against itself is not 1. */
const LATENCY_NOISE = 0.02;

/** How {@link searchRecipe} searches. */
export interface SearchOptions {
  readonly goal: 'fastest' | 'smallest';
  /** How much the error may grow above that of the float model; a fraction. */
  readonly budget: number;
  /** Tries to make at least, where there are that many recipes. Default 50. */
  readonly minimumTrials?: number;
  /** Tries to make at most. Default 120. */
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
  /** The float model. */
  readonly baseline: SearchTrial;
  /** The preset that is best within the budget, if one is. */
  readonly bestPreset: SearchTrial | null;
  /** Whether the best recipe is better than every preset within the budget: smaller, or faster by more than 2 % and by
   * more than the float model differed from itself. */
  readonly beatsPresets: boolean;
  /** Every recipe that was tried, in order. */
  readonly trials: readonly SearchTrial[];
}

/**
 * Searches, layer by layer, for the fastest or the smallest recipe whose error stays within a budget: the presets, each
 * layer alone, all that helped together, then one layer at a time until nothing helps, then neighbours by chance.
 *
 * @param layers - of the model
 * @param evaluate - applies a recipe and measures it
 * @throws {InputError} when there is no layer to decide about, or an option is impossible
 */
export async function searchRecipe(
  layers: readonly Layer[],
  evaluate: (recipe: Recipe) => Promise<RecipeScore>,
  options: SearchOptions,
): Promise<SearchResult> {
  const { goal, budget, minimumTrials = 50, maximumTrials = 120 } = options;
  if (layers.length === 0)
    throw new InputError('search: a model with named layers was required, got none to decide about');
  if (!(budget >= 0)) throw new InputError(`search: a budget of 0 or more was required, got ${budget}`);
  const known = new Map((options.trace ?? []).map((trial) => [keyOf(trial.recipe), trial]));
  const trials = new Map<string, SearchTrial>();

  const attempt = async (recipe: Recipe): Promise<SearchTrial> => {
    const key = keyOf(recipe);
    const done = trials.get(key);
    if (done !== undefined) return done;
    const before = known.get(key);
    const trial = before ?? { recipe, score: await evaluate(recipe) };
    trials.set(key, trial);
    if (before === undefined) await options.onTrial?.(trial, trials.size);
    return trial;
  };
  const cost = ({ score }: SearchTrial): number => (goal === 'fastest' ? score.latencyRatio : score.sizeBytes);
  const tryChoices = (choices: LayerChoices): Promise<SearchTrial> =>
    attempt(recipeOf(`search-${goal}`, `found by search for the ${goal} recipe`, layers, choices));

  const baseline = await tryChoices(new Map());
  const allowed = baseline.score.error + budget;
  const fits = ({ score }: SearchTrial): boolean => score.error <= allowed;
  const presets: SearchTrial[] = [];
  for (const preset of Object.values(PRESETS)) presets.push(await attempt(preset));

  // Each layer alone.
  const alone: { layer: Layer; choice: LayerChoice; trial: SearchTrial }[] = [];
  for (const layer of layers) {
    for (const choice of choicesFor(layer.opType)) {
      alone.push({ layer, choice, trial: await tryChoices(new Map([[layer.node, choice]])) });
    }
  }

  // All that helped, together; then without the most harmful until it fits.
  const current = new Map<string, LayerChoice>();
  const harm = new Map<string, number>();
  for (const { node } of layers) {
    const [best] = alone
      .filter(({ layer, trial }) => layer.node === node && fits(trial) && cost(trial) < cost(baseline))
      .sort((a, b) => cost(a.trial) - cost(b.trial));
    if (best === undefined) continue;
    current.set(node, best.choice);
    harm.set(node, best.trial.score.error);
  }
  let best: SearchTrial = baseline;
  let choices: LayerChoices = new Map();
  for (;;) {
    const trial = await tryChoices(current);
    if (fits(trial) || current.size === 0) {
      if (fits(trial) && cost(trial) < cost(best)) [best, choices] = [trial, new Map(current)];
      break;
    }
    const [worst] = [...current.keys()].sort((a, b) => (harm.get(b) ?? 0) - (harm.get(a) ?? 0));
    current.delete(worst ?? '');
  }

  // One layer at a time.
  const improve = async (changed: Map<string, LayerChoice>): Promise<boolean> => {
    const trial = await tryChoices(changed);
    if (!fits(trial) || cost(trial) >= cost(best)) return false;
    [best, choices] = [trial, changed];
    return true;
  };
  for (let better = true; better && trials.size < maximumTrials; ) {
    better = false;
    for (const { node, opType } of layers) {
      for (const choice of ['float', ...choicesFor(opType)] as const) {
        if (trials.size >= maximumTrials) break;
        if (await improve(withChoice(choices, node, choice))) better = true;
      }
    }
  }

  // Neighbours by chance.
  const space = layers.reduce((product, { opType }) => product * (1 + choicesFor(opType).length), 1);
  const enough = Math.min(minimumTrials, maximumTrials, space);
  for (let misses = 0; trials.size < enough && misses < 1000; ) {
    const before = trials.size;
    let changed = new Map(choices);
    for (let count = 0; count < 2 + Math.min(layers.length, Math.floor(misses / 50)); count++) {
      const layer = pick(layers, options.random);
      changed = withChoice(changed, layer.node, pick(['float', ...choicesFor(layer.opType)] as const, options.random));
    }
    await improve(changed);
    misses = trials.size === before ? misses + 1 : 0;
  }

  const [bestPreset = null] = presets.filter(fits).sort((a, b) => cost(a) - cost(b));
  for (const preset of presets) if (fits(preset) && cost(preset) < cost(best)) best = preset;
  const noise = Math.max(LATENCY_NOISE, Math.abs(baseline.score.latencyRatio - 1));
  const needed = goal === 'fastest' ? 1 - noise : 1;
  const beatsPresets = bestPreset === null ? best !== baseline : cost(best) < needed * cost(bestPreset);
  return { best, baseline, bestPreset, beatsPresets, trials: [...trials.values()] };
}

/** What tells recipes apart: their steps, whatever they are called. */
function keyOf(recipe: Recipe): string {
  return JSON.stringify(recipe.steps);
}

function withChoice(choices: LayerChoices, node: string, choice: LayerChoice): Map<string, LayerChoice> {
  const changed = new Map(choices);
  if (choice === 'float') changed.delete(node);
  else changed.set(node, choice);
  return changed;
}

function pick<T>(values: readonly T[], random: () => number): T {
  return values[Math.min(values.length - 1, Math.floor(random() * values.length))] as T;
}

import { describe, expect, it } from 'vitest';
import { chooseHybrid } from '../../../src/compress/choose/hybrid.js';
import { type Layer, type LayerChoice, layersOf, recipeOf } from '../../../src/compress/choose/layers.js';
import { type RecipeScore, type SearchTrial, searchRecipe } from '../../../src/compress/choose/search.js';
import type { LayerSensitivity } from '../../../src/compress/choose/sensitivity.js';
import { PRESETS, parseRecipe, type Recipe } from '../../../src/compress/recipe.js';
import { InputError } from '../../../src/errors.js';
import { convolutionModel, recurrentModel } from '../smallModels.js';

const layers: readonly Layer[] = [
  { node: 'conv', opType: 'Conv', parameters: 1000, output: 'c' },
  { node: 'lstm0', opType: 'LSTM', parameters: 50_000, output: 'a' },
  { node: 'lstm1', opType: 'LSTM', parameters: 50_000, output: 'b' },
  { node: 'fc', opType: 'MatMul', parameters: 5000, output: 'y' },
];

/** A made-up machine: what each choice saves in time and in size, and what it costs in error. */
const GAINS: Record<string, { ms: number; bytes: number; error: number }> = {
  float: { ms: 0, bytes: 0, error: 0 },
  static: { ms: 4, bytes: 2000, error: 0.001 },
  dynamic: { ms: 10, bytes: 120_000, error: 0.002 },
  int8: { ms: 9, bytes: 120_000, error: 0.002 },
  nbits8: { ms: 8, bytes: 110_000, error: 0.001 },
  nbits4: { ms: 9, bytes: 160_000, error: 0.02 },
};

/** Reads the choices back from the recipe's steps. */
function choicesOf(recipe: Recipe): Map<string, LayerChoice> {
  const choices = new Map<string, LayerChoice>();
  for (const step of recipe.steps) {
    const nodes = (step.options as { nodesToQuantize?: readonly string[] } | undefined)?.nodesToQuantize;
    for (const layer of layers) {
      if (nodes !== undefined && !nodes.includes(layer.node)) continue;
      if (step.transform === 'static' && layer.opType !== 'LSTM') choices.set(layer.node, 'static');
      if (step.transform === 'dynamic' && layer.opType !== 'Conv') choices.set(layer.node, 'dynamic');
      if (step.transform === 'recurrent' && nodes) choices.set(layer.node, step.options?.recurrence as LayerChoice);
      if (step.transform === 'weight-only' && nodes)
        choices.set(layer.node, step.options?.bits === 4 ? 'nbits4' : 'nbits8');
    }
  }
  return choices;
}

function score(recipe: Recipe): RecipeScore {
  let [error, latencyRatio, sizeBytes] = [0.1, 1, 500_000];
  for (const choice of choicesOf(recipe).values()) {
    const gain = GAINS[choice] ?? { ms: 0, bytes: 0, error: 0 };
    error += gain.error;
    latencyRatio -= gain.ms / 100;
    sizeBytes -= gain.bytes;
  }
  return { error, latencyRatio, latencyMs: 50 * latencyRatio, sizeBytes };
}

/** A machine of which only fewer bits are asked: what takes parts away finds nothing to take. */
async function bitsAlone(recipe: Recipe): Promise<RecipeScore | null> {
  const parts: readonly string[] = ['prune', 'prune-units', 'low-rank'];
  return recipe.steps.some(({ transform }) => parts.includes(transform)) ? null : score(recipe);
}

/** A machine on which units of LSTMs and the rank of products can be taken away, too: what each step saves and costs. */
async function withParts(recipe: Recipe): Promise<RecipeScore> {
  let [error, latencyRatio, sizeBytes] = [0.1, 1, 500_000];
  for (const { transform, options = {} } of recipe.steps) {
    const { nodesToQuantize = [], bytes = 1, share = 0 } = options as Record<string, never>;
    for (const node of nodesToQuantize as readonly string[]) {
      const isLstm = node.startsWith('lstm') && !node.endsWith('_low_rank');
      if (transform === 'dynamic' && isLstm) [latencyRatio, sizeBytes] = [latencyRatio - 0.1, sizeBytes - 100_000];
      if (transform === 'prune-units' && isLstm) {
        [error, latencyRatio, sizeBytes] = [error + 0.02 * share, latencyRatio - share, sizeBytes - 50_000 * share];
      }
      if (transform === 'low-rank' && node === 'fc')
        [error, sizeBytes] = [error + 0.001, sizeBytes - 9000 * (1 - bytes)];
      if (transform === 'prune' && node === 'conv') [error, sizeBytes] = [error + 0.001, sizeBytes - 3000];
    }
  }
  return { error, latencyRatio, latencyMs: 50 * latencyRatio, sizeBytes };
}

const stepsOf = ({ recipe }: SearchTrial) =>
  recipe.steps.map(({ transform, options }) => [
    transform,
    (options as { readonly nodesToQuantize?: readonly string[] }).nodesToQuantize,
  ]);

function random(): () => number {
  let state = 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

describe('search', () => {
  it('finds the fastest recipe of a small space, within the budget', async () => {
    const result = await searchRecipe(layers, bitsAlone, {
      goal: 'fastest',
      budget: 0.01,
      random: random(),
    });
    // By hand: every layer in its fastest form, 0.007 of error.
    expect(choicesOf(result.best.recipe)).toEqual(
      new Map([
        ['conv', 'static'],
        ['lstm0', 'dynamic'],
        ['lstm1', 'dynamic'],
        ['fc', 'dynamic'],
      ]),
    );
    expect(result.best.score.latencyRatio).toBeCloseTo(0.66, 10);
    expect(result.trials.length).toBeGreaterThanOrEqual(50);
    expect(new Set(result.trials.map(({ recipe }) => JSON.stringify(recipe.steps))).size).toBe(result.trials.length);
    // The hybrid preset does the same on this machine: nothing beats it, and the result says so.
    expect(result.bestPreset?.recipe.name).toBe('hybrid');
    expect(result.beatsPresets).toBe(false);
  });

  it('gives up what harms most when the budget is small, and beats the presets', async () => {
    const small = await searchRecipe(layers, bitsAlone, { goal: 'smallest', budget: 0.0245, random: random() });
    expect(small.best.score.error).toBeLessThanOrEqual(0.1245);
    expect(small.beatsPresets).toBe(true);
    // Exhaustively: the smallest of all 2 · 4 · 4 · 5 recipes within the budget.
    let smallest = Number.POSITIVE_INFINITY;
    for (const conv of ['float', 'static'] as const) {
      for (const one of ['float', 'dynamic', 'nbits8', 'nbits4'] as const) {
        for (const two of ['float', 'dynamic', 'nbits8', 'nbits4'] as const) {
          for (const fc of ['float', 'dynamic', 'static', 'nbits8', 'nbits4'] as const) {
            const choices = new Map<string, LayerChoice>([
              ['conv', conv],
              ['lstm0', one],
              ['lstm1', two],
              ['fc', fc],
            ]);
            const { error, sizeBytes } = score(recipeOf('all', '', layers, choices));
            if (error <= 0.1245) smallest = Math.min(smallest, sizeBytes);
          }
        }
      }
    }
    expect(small.best.score.sizeBytes).toBe(smallest);
  });

  it('does not call noise faster: the float model against itself tells how much there is', async () => {
    const options = { goal: 'fastest', budget: 0.01 } as const;
    // Without its preset's choice for fc, the found recipe is 4 % faster than any preset.
    const evaluate = async (recipe: Recipe): Promise<RecipeScore> => {
      const base = score(recipe);
      if (choicesOf(recipe).get('fc') === 'nbits8') return { ...base, latencyRatio: base.latencyRatio - 0.06 };
      return base;
    };
    expect((await searchRecipe(layers, evaluate, { ...options, random: random() })).beatsPresets).toBe(true);
    const noisy = async (recipe: Recipe): Promise<RecipeScore> => {
      const base = await evaluate(recipe);
      return recipe.steps.length === 0 ? { ...base, latencyRatio: 1.1 } : base;
    };
    expect((await searchRecipe(layers, noisy, { ...options, random: random() })).beatsPresets).toBe(false);
  });

  it('goes on from a trace without trying anything twice, to the same result', async () => {
    const trace: SearchTrial[] = [];
    const options = { goal: 'fastest', budget: 0.01 } as const;
    let calls = 0;
    const evaluate = async (recipe: Recipe): Promise<RecipeScore> => {
      calls++;
      return score(recipe);
    };
    const whole = await searchRecipe(layers, evaluate, {
      ...options,
      random: random(),
      onTrial: (trial) => void trace.push(trial),
    });
    const all = calls;
    expect(trace).toEqual(whole.trials);
    const again = await searchRecipe(layers, evaluate, { ...options, random: random(), trace: trace.slice(0, 20) });
    expect(calls - all).toBe(all - 20);
    expect(again).toEqual(whole);
  });

  it('takes parts away, and then stores the rest in fewer bits', async () => {
    const options = { budget: 0.02, random: random() };
    const fastest = await searchRecipe(layers, withParts, { goal: 'fastest', ...options });
    // By hand: a quarter of the units of both LSTMs, 0.01 of error, and both in int8.
    expect(stepsOf(fastest.best)).toEqual([
      ['prune-units', ['lstm0', 'lstm1']],
      ['dynamic', ['lstm0', 'lstm1']],
    ]);
    expect(fastest.best.score.latencyRatio).toBeCloseTo(0.3, 10);
    expect(fastest.beatsPresets).toBe(true);
    const smallest = await searchRecipe(layers, withParts, { goal: 'smallest', ...options });
    const found = new Map(stepsOf(smallest.best) as [string, readonly string[]][]);
    expect([...found.keys()].slice(0, 2)).toEqual(['low-rank', 'prune-units']);
    expect(found.get('low-rank')).toEqual(['fc']);
    expect(smallest.trials.some(({ recipe }) => recipe.steps.some(({ transform }) => transform === 'prune'))).toBe(
      false,
    );
  });

  it('tries zeros where the bytes of coded files count', async () => {
    const options = { goal: 'smallest', budget: 0.02, random: random(), isCoded: true } as const;
    const { best } = await searchRecipe(layers, withParts, options);
    expect(new Map(stepsOf(best) as [string, readonly string[]][]).get('prune')).toEqual(['conv']);
  });

  it('finds the most accurate recipe that keeps to bytes or to time, and says where none does', async () => {
    const options = { goal: 'most-accurate', random: random() } as const;
    const small = await searchRecipe(layers, withParts, { ...options, maximumBytes: 300_000 });
    // Int8 costs nothing here, units would.
    expect(small.best.score).toEqual({ error: 0.1, latencyRatio: 0.8, latencyMs: 40, sizeBytes: 300_000 });
    expect(small.isWithin).toBe(true);
    const quick = await searchRecipe(layers, withParts, { ...options, maximumMs: 35 });
    // Of one LSTM a tenth is enough for the last 5 ms, as 0.002 of error; a quarter of one would cost 0.005.
    expect(quick.best.score.latencyMs).toBeCloseTo(35, 10);
    expect(quick.best.score.error).toBeCloseTo(0.102, 10);
    const none = await searchRecipe(layers, withParts, { ...options, maximumBytes: 1000 });
    expect(none.isWithin).toBe(false);
    expect(none.beatsPresets).toBe(false);
    expect(none.best.score.sizeBytes).toBe(Math.min(...none.trials.map(({ score }) => score.sizeBytes)));
  });

  it('refuses what cannot be searched', async () => {
    const evaluate = async (recipe: Recipe): Promise<RecipeScore> => score(recipe);
    await expect(searchRecipe([], evaluate, { goal: 'fastest', budget: 0, random: random() })).rejects.toThrow(
      InputError,
    );
    for (const [limits, message] of [
      [{ budget: -1 }, /a budget of 0 or more was required, got -1/],
      [{ maximumBytes: 0 }, /maximumBytes: more than 0 was required, got 0/],
      [{ maximumMs: Number.NaN }, /maximumMs: more than 0 was required, got NaN/],
    ] as const) {
      const options = { goal: 'fastest', random: random(), ...limits } as const;
      await expect(searchRecipe(layers, evaluate, options)).rejects.toThrow(message);
    }
  });
});

describe('layers', () => {
  it('are the nodes with constant weights', () => {
    expect(
      layersOf(convolutionModel(3)).map(({ node, opType, parameters, output }) => [node, opType, parameters, output]),
    ).toEqual([
      ['conv1', 'Conv', 6 * 2 * 9, 'a1'],
      ['conv2', 'Conv', 8 * 6 * 9, 'a2'],
      ['gemm', 'Gemm', 5 * 160, 'y'],
    ]);
    expect(layersOf(recurrentModel(3)).map(({ node, parameters }) => [node, parameters])).toEqual([
      ['lstm', 2 * 40 * (12 + 10)],
      ['classes', 140],
    ]);
  });

  it('become a recipe that is a valid file', () => {
    const choices = new Map<string, LayerChoice>([
      ['conv', 'static'],
      ['lstm0', 'nbits4'],
      ['lstm1', 'dynamic'],
      ['fc', 'nbits8'],
    ]);
    const recipe = recipeOf('mine', 'by hand', layers, choices);
    const both = recipeOf('both', '', layers, new Map([['fc', 'rank-50+nbits4']]));
    expect(parseRecipe(JSON.stringify(both))).toEqual(both);
    // What low rank makes beside the node is stored in four bits, too.
    expect(both.steps.map(({ options }) => options)).toMatchObject([
      { bytes: 0.5, nodesToQuantize: ['fc'] },
      { bits: 4, nodesToQuantize: ['fc', 'fc_low_rank'] },
    ]);
    expect(parseRecipe(JSON.stringify(recipe))).toEqual(recipe);
    expect(recipe.steps.map(({ transform }) => transform)).toEqual(['static', 'recurrent', 'weight-only', 'dynamic']);
    expect(choicesOf(recipe)).toEqual(choices);
    expect(recipeOf('none', '', layers, new Map()).steps).toEqual([]);
    expect(PRESETS.hybrid.steps.length).toBe(3);
  });
});

describe('the hybrid choice', () => {
  const measured = (
    node: string,
    choice: LayerChoice,
    savedMs: number,
    activationDb: number,
    weightBytesAfter: number,
  ): LayerSensitivity => ({
    layer: layers.find((layer) => layer.node === node) as Layer,
    choice,
    savedMs,
    activationDb,
    outputDb: activationDb + 10,
    weightsDb: 40,
    zeros: 0,
    weightBytesBefore: 200_000,
    weightBytesAfter,
  });

  it('takes what saves most time, if its error is small', () => {
    const choices = chooseHybrid(layers, [
      measured('conv', 'static', -5, 40, 1000),
      measured('lstm0', 'dynamic', 10, 35, 50_000),
      measured('lstm0', 'nbits4', 20, 15, 30_000),
      measured('lstm1', 'dynamic', 10, 35, 50_000),
      measured('lstm1', 'nbits8', 9.9, 35, 30_000),
      measured('fc', 'dynamic', 0.1, 45, 4200),
      measured('fc', 'nbits4', 0.1, 26, 4000),
    ]);
    // conv became slower; four bits err too much; alike in time: the smaller; alike in size too: the better.
    expect(choices).toEqual(
      new Map([
        ['lstm0', 'dynamic'],
        ['lstm1', 'nbits8'],
        ['fc', 'dynamic'],
      ]),
    );
  });

  it('leaves everything in float where nothing is good enough', () => {
    expect(chooseHybrid(layers, [measured('lstm0', 'dynamic', 10, 20, 1)])).toEqual(new Map());
    expect(chooseHybrid(layers, [measured('lstm0', 'dynamic', 10, 20, 1)], { minimumDb: 15 }).size).toBe(1);
  });
});

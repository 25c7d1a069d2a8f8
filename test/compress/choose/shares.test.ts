import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyRecipe } from '../../../src/compress/applyRecipe.js';
import { type Layer, layersOf } from '../../../src/compress/choose/layers.js';
import { type LayerSensitivity, measureSensitivity } from '../../../src/compress/choose/sensitivity.js';
import { type ShareWay, sharedOut, waysOfTaking } from '../../../src/compress/choose/shares.js';
import { LOW_RANK } from '../../../src/compress/lowRank/lowRank.js';
import { PRUNE_UNITS } from '../../../src/compress/prune/pruneUnits.js';
import { PRUNE } from '../../../src/compress/prune/pruneWeights.js';
import { parseRecipe } from '../../../src/compress/recipe.js';
import { STATIC } from '../../../src/compress/static/static.js';
import { pattern, samplesOf } from '../runModel.js';
import { convolutionModel, recurrentModel } from '../smallModels.js';

const layer = (node: string, parameters: number): Layer => ({ node, opType: 'MatMul', parameters, output: node });

/** What was measured of each layer, for each way in turn, in decibels. */
const measuredAs = (ways: readonly ShareWay[], all: readonly (readonly [Layer, readonly (number | null)[]])[]) =>
  all.flatMap(([one, decibels]) =>
    decibels.map((outputDb, i): LayerSensitivity => {
      const choice = ways[i]?.choice ?? '';
      return {
        layer: one,
        choice,
        outputDb,
        ...{ weightsDb: 0, zeros: 0, activationDb: 0, weightBytesBefore: 0, weightBytesAfter: 0, savedMs: null },
      };
    }),
  );

describe('sharedOut', () => {
  it('takes of each layer what costs the output least', () => {
    const ways = waysOfTaking(PRUNE, [0.75, 0.25, 0.5], false);
    const [a, b, c] = [layer('a', 100), layer('b', 100), layer('c', 200)];
    const measured = measuredAs(ways, [
      [a, [30, 20, 10]],
      [b, [50, 40, 35]],
      [c, [null, 30, 5]],
    ]);
    const recipe = sharedOut('mine', [a, b, c], ways, measured, 0.5);
    // By hand: of c half, which costs 0.001 in all, of b three quarters (0.0003), and of a a quarter (0.001): 200 of 400.
    expect(recipe.steps).toEqual([
      { transform: 'prune', options: { sparsity: 0.25, nodesToQuantize: ['a'] } },
      { transform: 'prune', options: { sparsity: 0.5, nodesToQuantize: ['c'] } },
      { transform: 'prune', options: { sparsity: 0.75, nodesToQuantize: ['b'] } },
    ]);
    expect(parseRecipe(JSON.stringify(recipe))).toEqual(recipe);
    expect(() => sharedOut('mine', [a, b, c], ways, measured, 0.8)).toThrow(/at most 0.75, .*, was required, got 0.8/);
  });

  it('gives as much as was asked for, and loses no more than the same share of every layer', () => {
    const ways = waysOfTaking(PRUNE, [0.25, 0.5, 0.75], false);
    const drawn = fc.array(
      fc.record({
        parameters: fc.integer({ min: 1, max: 1000 }),
        losses: fc.tuple(
          fc.integer({ min: 1, max: 20 }),
          fc.integer({ min: 1, max: 20 }),
          fc.integer({ min: 1, max: 20 }),
        ),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(drawn, fc.constantFrom(0.25, 0.5, 0.75), (all, wanted) => {
        const layers = all.map(({ parameters }, i) => layer(`l${i}`, parameters));
        // Errors that grow faster and faster, so that the greedy way is the best one.
        const noises = all.map(({ losses: [one, two, three] }) => [one, 2 * one + two, 3 * one + 2 * two + three]);
        const decibels = noises.map((own) => own.map((noise) => -10 * Math.log10(noise * 1e-6)));
        const measured = measuredAs(
          ways,
          layers.map((one, i) => [one, decibels[i] ?? []]),
        );
        const { steps } = sharedOut('mine', layers, ways, measured, wanted);
        const shares = new Map(
          steps.flatMap(({ options }) => {
            const { sparsity, nodesToQuantize } = options as { sparsity: number; nodesToQuantize: readonly string[] };
            return nodesToQuantize.map((node) => [node, sparsity] as const);
          }),
        );
        const level = (share: number): number => Math.round(4 * share) - 1;
        const total = layers.reduce((sum, { parameters }) => sum + parameters, 0);
        const taken = layers.reduce((sum, one) => sum + (shares.get(one.node) ?? 0) * one.parameters, 0);
        expect(taken).toBeGreaterThanOrEqual(wanted * total - 1e-9);
        // The last step may take more than was asked for; without it, the loss is the least there is.
        const lossOf = (shareOf: (node: string) => number): number =>
          layers.reduce((sum, { node }, i) => sum + (noises[i]?.[level(shareOf(node))] ?? 0), 0);
        const last = Math.max(...noises.flatMap((own) => own.map((noise, i) => noise - (own[i - 1] ?? 0))));
        expect(lossOf((node) => shares.get(node) ?? 0) - last).toBeLessThanOrEqual(lossOf(() => wanted) + 1e-9);
      }),
      { numRuns: 200, seed: 20_261_130 },
    );
  });

  it.each([PRUNE, PRUNE_UNITS, LOW_RANK])(
    'measures what $name takes of each layer, and applies the recipe',
    async (pass) => {
      for (const [model, x] of [
        [convolutionModel(3), [40, 2, 12, 9]],
        [recurrentModel(3), [20, 3, 12]],
      ] as const) {
        const samples = samplesOf([1, 2, 3, 4, 5].map((seed) => ({ x: pattern([...x], seed) })));
        for (const isCalibrated of [false, true]) {
          const ways = waysOfTaking(pass, [0.25, 0.5], isCalibrated);
          const measured = await measureSensitivity(model, { run: samples, samples }, { output: 'y', ways });
          expect(measured.length).toBeGreaterThan(0);
          for (const { outputDb } of measured) expect(outputDb ?? 99).toBeGreaterThan(-5);
          const nodes = new Set(measured.map(({ layer: one }) => one.node));
          const layers = layersOf(model).filter(({ node }) => nodes.has(node));
          const recipe = sharedOut(`${pass.name}-mine`, layers, ways, measured, 0.3);
          const { report } = await applyRecipe(model, parseRecipe(JSON.stringify(recipe)), { samples });
          expect(report.compressed.length).toBeGreaterThan(0);
        }
      }
    },
  );

  it('refuses shares that are none, and techniques that take none', () => {
    expect(() => waysOfTaking(PRUNE, [0.5, 1], false)).toThrow(/shares: each above 0 and below 1 was required, got 1/);
    expect(() => waysOfTaking(STATIC as never, [0.5], false)).toThrow(/technique: .* was required, got static/);
  });
});

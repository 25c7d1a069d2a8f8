/** Every recipe over random graphs: the result is valid, loads, and answers nearly as the original does. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { drawnGraph } from './randomGraph.js';
import { TRIED, tryRecipe } from './tryRecipe.js';

/** Graphs tried with each recipe; `FUZZ=1000` tries as many, `FUZZ_SEED` chooses which. */
const COUNT = Number(process.env['FUZZ'] ?? 12);

it.each(Object.keys(TRIED))(
  '%s keeps random graphs valid, and what they compute',
  async (recipe) => {
    await fc.assert(
      fc.asyncProperty(drawnGraph, async (drawn) => {
        expect(await tryRecipe(drawn, recipe)).toEqual([]);
      }),
      { numRuns: COUNT, seed: Number(process.env['FUZZ_SEED'] ?? 20_261_128) },
    );
  },
  3_600_000,
);

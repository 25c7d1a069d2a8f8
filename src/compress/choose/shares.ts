import { InputError } from '../../errors.js';
import type { Pass } from '../pass.js';
import type { Recipe, RecipeStep } from '../recipe.js';
import type { Layer } from './layers.js';
import type { LayerSensitivity, Way } from './sensitivity.js';

/** A share of the numbers of each layer, taken away by one technique: what {@link sharedOut} chooses from. */
export interface ShareWay extends Way {
  readonly share: number;
}

/**
 * The ways in which one technique takes shares of layers away.
 *
 * @param pass - one with `taking`
 * @param shares - of a layer's numbers, above 0 and below 1
 * @param isCalibrated - whether a calibration set decides what goes
 * @throws {InputError} when the technique takes no shares, or a share is impossible
 */
export function waysOfTaking(pass: Pass, shares: readonly number[], isCalibrated: boolean): readonly ShareWay[] {
  const { name, taking } = pass;
  if (taking === undefined)
    throw new InputError(`technique: one that takes shares of layers was required, got ${name}`);
  const wrong = shares.find((share) => !(share > 0 && share < 1));
  if (wrong !== undefined) throw new InputError(`shares: each above 0 and below 1 was required, got ${wrong}`);
  return [...new Set(shares)]
    .sort((a, b) => a - b)
    .map((share) => ({
      choice: `${name} ${share}`,
      share,
      stepFor: (nodesToQuantize) =>
        ({
          transform: name,
          options: { ...taking(share), ...(isCalibrated && { calibrated: true }), nodesToQuantize },
        }) as RecipeStep,
    }));
}

/**
 * Shares an amount out among layers by what each loses: from nothing on, the step that costs the output least for each number that
 * goes, until so many have gone. Errors of layers are taken to add up; what the whole costs is to be measured.
 *
 * @param name - of the recipe
 * @param layers - of the model
 * @param ways - that were measured
 * @param measured - what each layer loses by each of them
 * @param wanted - share of the numbers of all those layers that is to go
 * @returns a step for each share that layers were given
 * @throws {InputError} when the largest shares take less than that
 */
export function sharedOut(
  name: string,
  layers: readonly Layer[],
  ways: readonly ShareWay[],
  measured: readonly LayerSensitivity[],
  wanted: number,
): Recipe {
  const total = layers.reduce((sum, { parameters }) => sum + parameters, 0);
  const open = layers.map(({ node, parameters }) => {
    const levels = ways.flatMap((way) => {
      const found = measured.find((one) => one.layer.node === node && one.choice === way.choice);
      return found === undefined ? [] : [{ way, noise: noiseOf(found.outputDb), taken: way.share * parameters }];
    });
    return { node, levels, at: -1 };
  });
  const most = open.reduce((sum, { levels }) => sum + (levels.at(-1)?.taken ?? 0), 0);
  if (wanted * total > most) {
    throw new InputError(
      `budget: a share of at most ${Math.floor((100 * most) / total) / 100}, which the largest shares take of all layers, was required, got ${wanted}; measure larger shares`,
    );
  }
  for (let taken = 0; taken < wanted * total; ) {
    // The cheapest way on, of any layer; several levels at once where the last of them makes it worth while.
    const [best] = open
      .flatMap((layer) => {
        const now = layer.levels[layer.at] ?? { noise: 0, taken: 0 };
        return layer.levels.flatMap((level, at) =>
          at <= layer.at
            ? []
            : [
                {
                  layer,
                  at,
                  gain: level.taken - now.taken,
                  price: (level.noise - now.noise) / (level.taken - now.taken),
                },
              ],
        );
      })
      .sort((a, b) => a.price - b.price);
    if (best === undefined) break;
    best.layer.at = best.at;
    taken += best.gain;
  }
  const steps = ways.flatMap((way) => {
    const nodes = open.filter(({ levels, at }) => levels[at]?.way === way).map(({ node }) => node);
    return nodes.length === 0 ? [] : [way.stepFor(nodes)];
  });
  const description = `${wanted} of the weights taken away, of each layer as much as the output bears`;
  return { schema: 'quantlab.recipe/1', name, description, steps };
}

/** Energy of the error over that of the output; none where nothing was lost. */
function noiseOf(outputDb: number | null): number {
  return outputDb === null ? 0 : 10 ** (-outputDb / 10);
}

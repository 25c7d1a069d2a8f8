import type { Layer, LayerChoice, LayerChoices } from './layers.js';
import type { LayerSensitivity } from './sensitivity.js';

/** Options of {@link chooseHybrid}. */
export interface HybridOptions {
  /** Least signal to error of what a layer gives, in decibels. Default 25. */
  readonly minimumDb?: number;
}

/** Savings closer than this part of the largest are alike: then the smaller weight wins. */
const ALIKE = 0.03;

/** Sizes closer than this part of all weights are alike too: then the smaller error wins. */
const ALIKE_SIZE = 0.01;

/**
 * Chooses for each layer what saves most time on the machine where it was measured, among what keeps the layer's error
 * small; what saves nothing but costs nothing is taken for its size.
 *
 * @param layers - of the model
 * @param measured - each layer and choice, with the time that it saves
 * @returns by name of the node; layers that stay float are left out
 */
export function chooseHybrid(
  layers: readonly Layer[],
  measured: readonly LayerSensitivity[],
  options: HybridOptions = {},
): LayerChoices {
  const { minimumDb = 25 } = options;
  const margin = ALIKE * Math.max(0, ...measured.map(({ savedMs }) => savedMs ?? 0));
  const total = layers.reduce((sum, { parameters }) => sum + 4 * parameters, 0);
  const size = (one: LayerSensitivity): number => Math.floor(one.weightBytesAfter / (ALIKE_SIZE * total));
  const loss = (one: LayerSensitivity): number => -(one.outputDb ?? Number.POSITIVE_INFINITY);
  const choices = new Map<string, LayerChoice>();
  for (const { node } of layers) {
    const possible = measured.filter(
      (one) =>
        one.layer.node === node &&
        (one.activationDb ?? Number.POSITIVE_INFINITY) >= minimumDb &&
        (one.savedMs ?? 0) >= -margin,
    );
    const most = Math.max(...possible.map(({ savedMs }) => savedMs ?? 0));
    const [best] = possible
      .filter(({ savedMs }) => (savedMs ?? 0) >= most - margin)
      .sort((a, b) => size(a) - size(b) || loss(a) - loss(b));
    if (best !== undefined) choices.set(node, best.choice);
  }
  return choices;
}

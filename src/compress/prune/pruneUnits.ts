import type { NodeProto, TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { copyMessage } from '../../onnx/graph/copy.js';
import { makeAttribute, nodeTitle } from '../../onnx/graph/node.js';
import type { OnnxModel } from '../../onnx/model.js';
import { mapTensors } from '../../onnx/tensor/mapTensors.js';
import { makeTensor, shapeOf, tensorFloats, tensorIntegers } from '../../onnx/tensor/tensor.js';
import { type MomentsOf, measureMoments, type Watched } from '../calibrators/moments.js';
import {
  applyAlone,
  CALIBRATED,
  type Compressed,
  nodeOptions,
  optionsSchema,
  type Pass,
  type RecipeResources,
  refuseCalibrated,
} from '../pass.js';
import { LeftInFloat } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type CompressedWeight, weightBytes } from '../rewrite/report.js';
import { type Changed, compressedWeight, type NodeFilter, rewriteModel } from '../rewrite/rewrite.js';
import { type Attention, attentionsOf, withOwnShapes } from './attentionHeads.js';
import { along, forEachPlace, spans } from './places.js';
import { refitProduct } from './refit.js';
import { readUnitLayer, UNIT_OP_TYPES, type UnitLayer, type UnitOpType } from './unitLayers.js';
import type { UnitReader } from './unitReaders.js';

/** Options of {@link pruneUnits}; `PASSES` describes each. */
export interface PruneUnitsOptions extends Partial<NodeFilter<UnitOpType>> {
  readonly share?: number;
  readonly calibrated?: boolean;
}

type PruneUnitsSettings = Required<PruneUnitsOptions>;

/** Pruning of units: {@link pruneUnits} as a step of a recipe. */
export const PRUNE_UNITS: Pass<'prune-units', PruneUnitsOptions, PruneUnitsSettings> = {
  name: 'prune-units',
  title: 'pruning of units',
  description:
    'whole units are taken out with all that reads them (channels of convolutions, columns of products, units of recurrent layers, heads of attentions): smaller and faster, and it costs accuracy',
  stage: 'structure',
  options: optionsSchema<PruneUnitsOptions>({
    share: z
      .number()
      .min(0, 'a share of 0 or more was required')
      .lt(1, 'a share below 1 was required')
      .default(0.25)
      .meta({ description: 'share of the units of each layer that are taken out, the weakest' }),
    calibrated: CALIBRATED,
    ...nodeOptions(UNIT_OP_TYPES, UNIT_OP_TYPES),
  }),
  taking: (share) => ({ share }),
  forms: [0.1, 0.25].map((share) => ({
    choice: `units-${100 * share}`,
    opTypes: UNIT_OP_TYPES,
    options: (nodesToQuantize) => ({ share, calibrated: true, nodesToQuantize }),
  })),
  looksFor: ({ opTypesToQuantize }) =>
    `${opTypesToQuantize.join(', ')} with constant weights, whose output products read`,
  apply,
};

/**
 * Takes units out of layers with all that reads them: of a recurrent layer their rows of all gates and their columns of the
 * recurrent weights (intrinsic sparse structures, Wen et al. 2018), of a convolution its channels, of a product its columns, such
 * as the rows of a feed-forward layer; and their places in what reads them. The weakest go, by the norm of all weights that belong to
 * a unit, without training after it. Where directions are added, a unit goes from both. Of an attention whole heads go: their columns of
 * queries, keys and values and their rows of the product that reads them (Michel et al. 2019); they go by the first of those products.
 *
 * In a recipe that has a calibration set, `calibrated` takes those whose activations matter least to what reads them, and all that
 * never fire; what reads the others is fitted anew by least squares, so that what it gives is kept.
 *
 * @param model - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for a share outside 0…1, an unknown operator or node, or `calibrated`, which is for `applyRecipe`
 * @example
 * const { model } = pruneUnits(await readModel('model.onnx'), { share: 0.1 });
 */
export function pruneUnits(model: OnnxModel, options: PruneUnitsOptions = {}): Compressed {
  return applyAlone(model, PRUNE_UNITS, options, (graph, settings) => {
    refuseCalibrated(settings);
    return prune(graph, settings);
  });
}

async function apply(graph: NormalGraph, settings: PruneUnitsSettings, resources: RecipeResources): Promise<Changed> {
  if (!settings.calibrated) return prune(graph, settings);
  const watched: Watched[] = [];
  rewriteUnits(withOwnShapes(graph), settings, ({ own, readers }) => {
    watched.push(...[...own, ...readers].flatMap(({ read }) => read ?? []));
    throw new LeftInFloat('uncalibrated', 'it was looked at alone');
  });
  return prune(graph, settings, await measureMoments(graph, watched, resources, PRUNE_UNITS.title));
}

/** What became of a constant, and of which node's it is. */
interface Cut {
  readonly node: NodeProto;
  readonly tensor: TensorProto;
}

function prune(given: NormalGraph, settings: PruneUnitsSettings, moments?: MomentsOf): Changed {
  const input = withOwnShapes(given);
  const before = new Map(input.graph.initializer.map((tensor) => [tensor.name, tensor]));
  const cuts = new Map<string, Cut>();
  const now = (name: string): TensorProto => (cuts.get(name)?.tensor ?? before.get(name)) as TensorProto;
  const notes = [...input.notes];
  const { graph, report } = rewriteUnits(input, settings, (layer, node) => {
    const kept = strongest(layer, now, settings.share, moments);
    const count = kept[0]?.length ?? 0;
    for (const [name, tensor] of withoutUnits(layer, now, kept, moments)) {
      cuts.set(name, { node: layer.readers.find(({ constant }) => constant === name)?.node ?? node, tensor });
    }
    notes.push(`${nodeTitle(node)}: ${count} of ${layer.units} ${layer.what} are left`);
    return count;
  });
  const compressed = [...cuts].flatMap(([name, { node, tensor }]): CompressedWeight[] => {
    const old = before.get(name) as TensorProto;
    if (tensor.dataType !== 1) return [];
    const power = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
    const [all, left] = [power(tensorFloats(old)), power(tensorFloats(tensor))];
    const decibels = left >= all ? Number.POSITIVE_INFINITY : 10 * Math.log10(all / (all - left));
    return [compressedWeight({ name, tensor: old, owner: input.constants }, node, [tensor], 'tensor', decibels)];
  });
  const leftWeights = report.leftWeights.filter(({ name }) => !cuts.has(name));
  // What values are like is written beside the graph, with the old sizes.
  const pruned = copyMessage(graph.graph, { valueInfo: [] });
  return {
    graph: graph.with({ graph: mapTensors(pruned, (tensor) => cuts.get(tensor.name)?.tensor ?? tensor) }),
    report: { ...report, compressed, leftWeights, ...weightBytes(compressed, leftWeights), notes },
  };
}

/**
 * Rewrites the nodes whose sizes are written in attributes.
 *
 * @param cut - takes units out of the constants of a layer and tells how many are left
 */
function rewriteUnits(
  input: NormalGraph,
  settings: PruneUnitsSettings,
  cut: (layer: UnitLayer, node: NodeProto) => number,
): Changed {
  const attentions = attentionsOf(input);
  const withoutHeads = new Set<Attention>();
  const resized = new Map<NodeProto, Readonly<Record<string, number>>>();
  const withSizes = (node: NodeProto, sizes: Readonly<Record<string, number>>): NodeProto => {
    if (Object.keys(sizes).length === 0) return node;
    const others = node.attribute.filter(({ name }) => !Object.hasOwn(sizes, name));
    const made = Object.entries(sizes).map(([name, size]) => makeAttribute(name, size));
    return copyMessage(node, { attribute: [...others, ...made] });
  };
  return rewriteModel(input, settings, {
    name: PRUNE_UNITS.name,
    title: PRUNE_UNITS.title,
    opTypes: UNIT_OP_TYPES,
    mainGraphOnly: true,
    // A convolution of a kernel for each channel comes after the layer whose channels they are, an attention after its heads.
    keep: (node) => withSizes(node, resized.get(node) ?? {}),
    begin: () => (node, opType, scope) => {
      const attention = attentions.find(({ products }) => products.includes(node));
      const [first = node] = attention?.products ?? [];
      if (attention !== undefined && first !== node) {
        if (!withoutHeads.has(attention)) {
          throw new LeftInFloat('form', `its heads go with those of ${nodeTitle(first)}, which stay`);
        }
        scope.nodes.push(node);
        return;
      }
      const layer = readUnitLayer(input, node, opType, scope, attention);
      const count = cut(layer, node);
      if (attention !== undefined) withoutHeads.add(attention);
      for (const one of layer.sized) resized.set(one.node, { [one.attribute]: count });
      const isRecurrent = opType === 'LSTM' || opType === 'GRU' || opType === 'RNN';
      scope.nodes.push(isRecurrent ? withSizes(node, { hidden_size: count }) : node);
    },
  });
}

/** The units that stay in each direction, in their order. */
function strongest(
  layer: UnitLayer,
  now: (name: string) => TensorProto,
  share: number,
  moments: MomentsOf | undefined,
): readonly (readonly number[])[] {
  const { units, readers } = layer;
  const products = readers.filter(({ role }) => role === 'product');
  const strengths = moments === undefined ? normsOf(layer, products, now) : energiesOf(layer, products, now, moments);
  const isJoint = readers.some(({ isMerged }) => !isMerged);
  const together = Float64Array.from({ length: units }, (_, unit) =>
    strengths.reduce((sum, of) => sum + (of[unit] ?? 0), 0),
  );
  const by = strengths.map((own) => (isJoint ? together : own));
  // What never fires on the calibration set goes in any case; directions stay as large as each other.
  const living = Math.max(...by.map((own) => own.reduce((count, value) => count + (value > 0 ? 1 : 0), 0)));
  const most = moments === undefined ? units : Math.min(units, living);
  const count = Math.max(1, Math.min(most, units - Math.round(share * units)));
  return by.map((own) => {
    const order = Array.from(own.keys()).sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0) || a - b);
    return order.slice(0, count).sort((a, b) => a - b);
  });
}

/** Sum of squares of all weights that belong to each unit of each direction. */
function normsOf(
  { directions, units, own }: UnitLayer,
  products: readonly UnitReader[],
  now: (name: string) => TensorProto,
): readonly Float64Array[] {
  const norms = Array.from({ length: directions }, () => new Float64Array(units));
  for (const { constant, axis, counts, run = 1 } of own) {
    if (!counts) continue;
    forEachPlace(now(constant), axis, (value, place, part) => {
      add(norms, Math.floor(part * directions), Math.floor(place / run) % units, value * value);
    });
  }
  for (const reader of products) {
    forEachPlace(now(reader.constant), reader.axis, (value, place) => {
      addToUnit(norms, reader, units, place, value * value);
    });
  }
  return norms;
}

/** How much of what products give comes of each unit of each direction: energy of what they read times that of their weights. */
function energiesOf(
  { directions, units, own }: UnitLayer,
  products: readonly UnitReader[],
  now: (name: string) => TensorProto,
  moments: MomentsOf,
): readonly Float64Array[] {
  const energies = Array.from({ length: directions }, () => new Float64Array(units));
  for (const { constant, axis, read } of own) {
    if (read === undefined) continue;
    const energy = energyOf(moments, read);
    forEachPlace(now(constant), axis, (value, unit, part) => {
      const direction = Math.floor(part * directions);
      add(energies, direction, unit, value * value * energy(direction * units + unit));
    });
  }
  for (const reader of products) {
    const energy = energyOf(moments, reader.read);
    forEachPlace(now(reader.constant), reader.axis, (value, place) => {
      addToUnit(energies, reader, units, place, value * value * energy(place));
    });
  }
  return energies;
}

/** Sum of squares of each place of what was watched. */
function energyOf(moments: MomentsOf, read: Watched | undefined): (place: number) => number {
  const found = read && moments(read);
  if (found === undefined) {
    throw new LeftInFloat('uncalibrated', `calibration has no finite values of ${read?.value ?? ''}`);
  }
  return (place) => found.products[place * found.size + place] ?? 0;
}

function add(sums: readonly Float64Array[], direction: number, unit: number, value: number): void {
  const of = sums[direction];
  if (of !== undefined) of[unit] = (of[unit] ?? 0) + value;
}

/** Adds to the unit that a place of a reader is of: in both directions, where they share it. */
function addToUnit(
  sums: readonly Float64Array[],
  { isMerged, run }: UnitReader,
  units: number,
  place: number,
  value: number,
): void {
  const unit = Math.floor(place / run);
  if (isMerged) add(sums, Math.floor(unit / units), unit % units, value);
  else for (let direction = 0; direction < sums.length; direction++) add(sums, direction, unit, value);
}

/** The layer's constants and those of its readers, without the units that go. */
function* withoutUnits(
  { directions, units, own, readers }: UnitLayer,
  now: (name: string) => TensorProto,
  kept: readonly (readonly number[])[],
  moments: MomentsOf | undefined,
): Generator<readonly [string, TensorProto]> {
  const placesOf = (stay: readonly number[], run: number): readonly number[] =>
    stay.flatMap((unit) => Array.from({ length: run }, (_, i) => unit * run + i));
  for (const { constant, axis, read, run = 1 } of own) {
    const tensor = now(constant);
    const { outer, size } = spans(tensor, axis);
    const starts = Array.from({ length: size / units / run }, (_, block) => block * units * run);
    const places = kept.map((stay) => starts.flatMap((start) => placesOf(stay, run).map((place) => start + place)));
    const left = read && moments && refitProduct(tensor, axis, kept, moments(read));
    yield [constant, left ?? along(tensor, axis, (at) => places[Math.floor((at * directions) / outer)] ?? [])];
  }
  for (const { constant, axis, role, isMerged, run, read } of readers) {
    const stay = isMerged
      ? kept.flatMap((some, direction) => some.map((unit) => direction * units + unit))
      : (kept[0] ?? []);
    const places = placesOf(stay, run);
    const tensor = now(constant);
    if (role === 'shape') yield [constant, withSize(tensor, axis, places.length)];
    else {
      const left = read && moments && refitProduct(tensor, axis, [places], moments(read));
      yield [constant, left ?? along(tensor, axis, () => places)];
    }
  }
}

/** A shape with another size at a place. */
function withSize(tensor: TensorProto, place: number, size: number): TensorProto {
  const sizes = BigInt64Array.from(tensorIntegers(tensor).with(place, size), BigInt);
  return makeTensor(tensor.name, 'int64', shapeOf(tensor), sizes);
}

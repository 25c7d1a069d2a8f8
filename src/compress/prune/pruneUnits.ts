import type { NodeProto, TensorProto } from 'onnx-buf';
import { z } from 'zod';
import { copyMessage } from '../../onnx/graph/copy.js';
import { intAttribute, makeAttribute, nodeTitle } from '../../onnx/graph/node.js';
import type { OnnxModel } from '../../onnx/model.js';
import { mapTensors } from '../../onnx/tensor/mapTensors.js';
import { makeTensor, shapeOf, tensorFloats, tensorIntegers } from '../../onnx/tensor/tensor.js';
import { applyAlone, type Compressed, nodeOptions, optionsSchema, type Pass } from '../pass.js';
import { requireForm } from '../rewrite/leftInFloat.js';
import type { NormalGraph } from '../rewrite/normalGraph.js';
import { type CompressedWeight, weightBytes } from '../rewrite/report.js';
import { type Changed, compressedWeight, constantFloats, type NodeFilter, rewriteModel } from '../rewrite/rewrite.js';
import type { Scope } from '../rewrite/scope.js';
import { type UnitReader, unitReaders } from './unitReaders.js';

/** Operators whose units can be taken out. */
export const UNIT_OP_TYPES = ['LSTM', 'GRU', 'RNN'] as const;

/** An operator whose units can be taken out. */
export type UnitOpType = (typeof UNIT_OP_TYPES)[number];

/** Options of {@link pruneUnits}; `PASSES` describes each. */
export interface PruneUnitsOptions extends Partial<NodeFilter<UnitOpType>> {
  readonly share?: number;
}

/** Pruning of units: {@link pruneUnits} as a step of a recipe. */
export const PRUNE_UNITS: Pass<'prune-units', PruneUnitsOptions, Required<PruneUnitsOptions>> = {
  name: 'prune-units',
  title: 'pruning of units',
  description:
    'whole units of recurrent layers are taken out with all that reads them: smaller and faster, and it costs accuracy',
  stage: 'structure',
  options: optionsSchema<PruneUnitsOptions>({
    share: z
      .number()
      .min(0, 'a share of 0 or more was required')
      .lt(1, 'a share below 1 was required')
      .default(0.25)
      .meta({ description: 'share of the units of each recurrent layer that are taken out, the weakest' }),
    ...nodeOptions(UNIT_OP_TYPES, UNIT_OP_TYPES),
  }),
  looksFor: ({ opTypesToQuantize }) =>
    `${opTypesToQuantize.join(', ')} with constant weights, whose output products read`,
  apply: prune,
};

/**
 * Takes units out of recurrent layers: their rows of all gates, their columns of the recurrent weights, and their places in the
 * weights of what reads them (intrinsic sparse structures, Wen et al. 2018). The weakest go, by the norm of all that belongs to
 * a unit, without training after it. Where directions are added, a unit goes from both.
 *
 * @param model - left as it is
 * @returns the new model and a report on each weight
 * @throws {InputError} for a share outside 0…1, an unknown operator or node
 * @example
 * const { model } = pruneUnits(await readModel('model.onnx'), { share: 0.1 });
 */
export function pruneUnits(model: OnnxModel, options: PruneUnitsOptions = {}): Compressed {
  return applyAlone(model, PRUNE_UNITS, options, prune);
}

/** What became of a constant, and of which node's it is. */
interface Cut {
  readonly node: NodeProto;
  readonly tensor: TensorProto;
}

function prune(input: NormalGraph, settings: Required<PruneUnitsOptions>): Changed {
  const before = new Map(input.graph.initializer.map((tensor) => [tensor.name, tensor]));
  const cuts = new Map<string, Cut>();
  const now = (name: string): TensorProto => (cuts.get(name)?.tensor ?? before.get(name)) as TensorProto;
  const notes = [...input.notes];
  const { graph, report } = rewriteModel(input, settings, {
    name: PRUNE_UNITS.name,
    title: PRUNE_UNITS.title,
    opTypes: UNIT_OP_TYPES,
    mainGraphOnly: true,
    begin: () => (node, _opType, scope) => {
      const layer = readLayer(input, node, scope);
      const kept = strongest(layer, now, settings.share);
      const count = kept[0]?.length ?? 0;
      for (const [name, tensor] of withoutUnits(layer, now, kept)) {
        cuts.set(name, { node: layer.readers.find(({ constant }) => constant === name)?.node ?? node, tensor });
      }
      const attribute = node.attribute.filter(({ name }) => name !== 'hidden_size');
      scope.nodes.push(copyMessage(node, { attribute: [...attribute, makeAttribute('hidden_size', count)] }));
      notes.push(`${nodeTitle(node)}: ${count} of ${layer.units} units are left`);
    },
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

/** A recurrent layer whose units can be taken out. */
interface Layer {
  readonly directions: number;
  readonly gates: number;
  readonly units: number;
  /** Names of W, R, and, where there are such, of the biases and peepholes. */
  readonly own: readonly string[];
  readonly readers: readonly UnitReader[];
}

function readLayer(graph: NormalGraph, node: NodeProto, scope: Scope): Layer {
  const [directions = 0, rows = 0] = shapeOf(constantFloats(scope, node.input[1]).tensor);
  const units = intAttribute(node, 'hidden_size', 0);
  const gates = rows / units;
  const [y = '', ...states] = node.output;
  requireForm(Number.isInteger(gates) && units > 1, 'its weights do not fit its units');
  requireForm((node.input[5] ?? '') === '' && (node.input[6] ?? '') === '', 'it begins with a state');
  const isRead = (name: string): boolean => graph.isOutput(name) || graph.users.has(name);
  requireForm(!states.some((name) => name !== '' && isRead(name)), 'its last state is read');
  const own = [1, 2, 3, 7].flatMap((place) => node.input[place] || []);
  for (const name of own) {
    constantFloats(scope, name);
    const isStored = graph.graph.initializer.some((tensor) => tensor.name === name);
    requireForm(isStored && graph.users.get(name)?.length === 1, `its ${name} is computed, or read by others, too`);
  }
  const directionAxis = intAttribute(node, 'layout', 0) === 0 ? 1 : 2;
  const readers = unitReaders(graph, y, directionAxis, { directions, units });
  requireForm(
    readers.some(({ isShape }) => !isShape),
    'no product reads its units',
  );
  return { directions, gates, units, own, readers };
}

/** The units that stay in each direction, in their order. */
function strongest(layer: Layer, now: (name: string) => TensorProto, share: number): readonly (readonly number[])[] {
  const { directions, units, own, readers } = layer;
  const norms = Array.from({ length: directions }, () => new Float64Array(units));
  const add = (direction: number, unit: number, value: number): void => {
    const of = norms[direction];
    if (of !== undefined) of[unit] = (of[unit] ?? 0) + value * value;
  };
  for (const name of own.slice(0, 2)) {
    const [, rows = 0, columns = 0] = shapeOf(now(name));
    for (const [i, value] of tensorFloats(now(name)).entries()) {
      const [direction, row, column] = [Math.floor(i / (rows * columns)), Math.floor(i / columns) % rows, i % columns];
      add(direction, row % units, value);
      // A unit's own column of the recurrent weights.
      if (name === own[1]) add(direction, column, value);
    }
  }
  for (const { constant, axis, isShape, isMerged } of readers) {
    if (isShape) continue;
    const shape = shapeOf(now(constant));
    const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
    for (const [i, value] of tensorFloats(now(constant)).entries()) {
      const place = Math.floor(i / inner) % (shape[axis] ?? 1);
      if (isMerged) add(Math.floor(place / units), place % units, value);
      else for (let direction = 0; direction < directions; direction++) add(direction, place, value);
    }
  }
  const count = Math.max(1, units - Math.round(share * units));
  const isJoint = readers.some(({ isMerged }) => !isMerged);
  const together = Float64Array.from({ length: units }, (_, unit) =>
    norms.reduce((sum, of) => sum + (of[unit] ?? 0), 0),
  );
  return norms.map((own) => {
    const by = isJoint ? together : own;
    const order = Array.from(by.keys()).sort((a, b) => (by[b] ?? 0) - (by[a] ?? 0) || a - b);
    return order.slice(0, count).sort((a, b) => a - b);
  });
}

/** The layer's constants and those of its readers, without the units that go. */
function withoutUnits(
  { units, own, readers }: Layer,
  now: (name: string) => TensorProto,
  kept: readonly (readonly number[])[],
): readonly (readonly [string, TensorProto])[] {
  const keptOf = (direction: number): readonly number[] => kept[direction] ?? [];
  const ownLeft = own.map((name, index) => {
    const blocks = (shapeOf(now(name))[1] ?? 0) / units;
    const starts = Array.from({ length: blocks }, (_, block) => block * units);
    const left = along(now(name), 1, (direction) =>
      starts.flatMap((start) => keptOf(direction).map((unit) => start + unit)),
    );
    // The recurrent weights have a column for each unit, too.
    const rows = blocks * keptOf(0).length;
    return [name, index === 1 ? along(left, 2, (row) => keptOf(Math.floor(row / rows))) : left] as const;
  });
  const theirsLeft = readers.map(({ constant, axis, isShape, isMerged }) => {
    const places = isMerged
      ? kept.flatMap((stays, direction) => stays.map((unit) => direction * units + unit))
      : keptOf(0);
    const tensor = now(constant);
    return [constant, isShape ? withSize(tensor, axis, places.length) : along(tensor, axis, () => places)] as const;
  });
  return [...ownLeft, ...theirsLeft];
}

/** A shape with another size at a place. */
function withSize(tensor: TensorProto, place: number, size: number): TensorProto {
  const sizes = BigInt64Array.from(tensorIntegers(tensor).with(place, size), BigInt);
  return makeTensor(tensor.name, 'int64', shapeOf(tensor), sizes);
}

/**
 * A tensor with some places of an axis alone.
 *
 * @param placesOf - of each run along the axis, counted over the axes before it; as many of each
 */
function along(tensor: TensorProto, axis: number, placesOf: (outer: number) => readonly number[]): TensorProto {
  const shape = shapeOf(tensor);
  const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
  const inner = product(shape.slice(axis + 1));
  const outer = product(shape.slice(0, axis));
  const size = shape[axis] ?? 1;
  const count = placesOf(0).length;
  const values = tensorFloats(tensor);
  const left = new Float32Array(outer * count * inner);
  for (let i = 0; i < outer; i++) {
    for (const [k, place] of placesOf(i).entries()) {
      const from = (i * size + place) * inner;
      left.set(values.subarray(from, from + inner), (i * count + k) * inner);
    }
  }
  return makeTensor(tensor.name, 'float32', shape.with(axis, count), left);
}

/**
 * Properties of the recurrent rewriting over random nodes: in float it answers as the runtime's own GRU, LSTM and RNN
 * (ONNX Runtime 1.30.0) within 1e-5, in integers nearly so; whatever the directions, activations, lengths and states.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantizeRecurrent } from '../../src/compress/recurrent/recurrent.js';
import type { QuantizeRecurrentOptions } from '../../src/compress/recurrent/recurrentOptions.js';
import type { AttributeValue } from '../../src/onnx/graph/node.js';
import { modelNodes } from '../../src/onnx/graph/subgraphs.js';
import { transposeAxes } from '../../src/onnx/graph/transpose.js';
import { type RecurrentCase, recurrentCase } from './recurrentModels.js';
import { type Fed, largestDifference, runModel, signalToErrorDb } from './runModel.js';

const runs = Number(process.env['PROPERTY_RUNS'] ?? 60);

/** How many activations each operator has in one direction. */
const ACTIVATIONS = { GRU: 2, RNN: 1, LSTM: 3 } as const;

/** Functions whose values stay small: a state that grows without bound says little about a rewriting. */
const BOUNDED = ['Sigmoid', 'Tanh', 'HardSigmoid', 'Softsign', 'ScaledTanh'] as const;

interface Drawn {
  readonly one: RecurrentCase;
  readonly lengths: readonly number[];
  readonly batchFirst: boolean;
}

const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    opType: fc.constantFrom('GRU' as const, 'RNN' as const, 'LSTM' as const),
    direction: fc.constantFrom('forward' as const, 'reverse' as const, 'bidirectional' as const),
    units: fc.integer({ min: 1, max: 9 }),
    inputs: fc.integer({ min: 1, max: 7 }),
    steps: fc.integer({ min: 1, max: 8 }),
    batch: fc.integer({ min: 1, max: 4 }),
    bias: fc.boolean(),
    lengths: fc.boolean(),
    initial: fc.boolean(),
    peepholes: fc.boolean(),
    opset: fc.constantFrom(11, 13, 17),
    linear: fc.boolean(),
    inputForget: fc.boolean(),
    clip: fc.option(fc.double({ min: 0.1, max: 2, noNaN: true }), { nil: undefined }),
    activations: fc.option(fc.array(fc.constantFrom(...BOUNDED), { minLength: 6, maxLength: 6 }), { nil: undefined }),
    places: fc.array(fc.nat(7), { minLength: 4, maxLength: 4 }),
    batchFirst: fc.boolean(),
  })
  .map(({ linear, inputForget, clip, activations, places, batchFirst, peepholes, ...rest }): Drawn => {
    const directions = rest.direction === 'bidirectional' ? 2 : 1;
    const named = activations?.slice(0, directions * ACTIVATIONS[rest.opType]);
    const scaled = named?.filter((name) => name === 'HardSigmoid' || name === 'ScaledTanh').length ?? 0;
    const numbers = (first: number): number[] => Array.from({ length: scaled }, (_, i) => first + 0.05 * i);
    const attributes: Record<string, AttributeValue> = {
      ...(rest.opType === 'GRU' && linear ? { linear_before_reset: 1 } : {}),
      ...(rest.opType === 'LSTM' && inputForget ? { input_forget: 1 } : {}),
      ...(clip === undefined ? {} : { clip: { float: clip } }),
      ...(named === undefined ? {} : { activations: named }),
      ...(scaled === 0
        ? {}
        : { activation_alpha: { floats: numbers(0.3) }, activation_beta: { floats: numbers(0.4) } }),
    };
    return {
      one: { ...rest, peepholes: peepholes && rest.opType === 'LSTM', scale: 0.5, attributes },
      lengths: places.slice(0, rest.batch).map((place) => 1 + (place % rest.steps)),
      batchFirst,
    };
  });

/** A node, its inputs and the same with the batch first, which the runtime itself refuses. */
function made({ one, lengths, batchFirst }: Drawn) {
  const { model, feeds } = recurrentCase(one);
  if (one.lengths) feeds['lengths'] = { type: 'int32', shape: [lengths.length], data: Int32Array.from(lengths) };
  if (!batchFirst) return { model, feeds, rewritable: model, rewrittenFeeds: feeds };
  const { model: rewritable } = recurrentCase({ ...one, attributes: { ...one.attributes, layout: 1 } });
  const rewrittenFeeds = Object.fromEntries(
    Object.entries(feeds).map(([name, fed]) => [name, fed.shape.length === 3 ? turned(fed, [1, 0, 2]) : fed]),
  );
  return { model, feeds, rewritable, rewrittenFeeds };
}

function turned(fed: Fed, perm: readonly number[]): Fed {
  const data = new Float32Array(fed.data.length);
  transposeAxes(fed.data as Float32Array<ArrayBuffer>, fed.shape, perm, data);
  return { type: 'float32', shape: perm.map((axis) => fed.shape[axis] ?? 0), data };
}

/** Runs both and calls `compare` with each output in the order of the rewritten one's layout. */
async function eachOutput(
  one: Drawn,
  options: QuantizeRecurrentOptions,
  compare: (expected: Float32Array, actual: Float32Array, name: string) => void,
): Promise<void> {
  const { model, feeds, rewritable, rewrittenFeeds } = made(one);
  const { model: rewritten, report } = quantizeRecurrent(rewritable, {
    opTypesToQuantize: ['GRU', 'RNN', 'LSTM'],
    ...options,
  });
  expect(report.leftNodes).toEqual([]);
  expect(report.replacedNodes).toEqual({ [one.one.opType]: 1 });
  expect(Array.from(modelNodes(rewritten.proto), ({ opType }) => opType)).not.toContain(one.one.opType);
  const [expected, actual] = [await runModel(model, feeds), await runModel(rewritten, rewrittenFeeds)];
  for (const [name, { data, shape }] of Object.entries(expected)) {
    const perm = name === 'y' ? [2, 0, 1, 3] : [1, 0, 2];
    const wanted = one.batchFirst ? turned({ type: 'float32', data, shape }, perm) : { data, shape };
    expect(actual[name]?.shape).toEqual(wanted.shape);
    compare(wanted.data as Float32Array, actual[name]?.data ?? new Float32Array(), name);
  }
}

describe('quantizeRecurrent on random nodes', () => {
  it('in float answers as the runtime’s own operators do', async () => {
    await fc.assert(
      fc.asyncProperty(drawn, async (one) => {
        await eachOutput(one, { projection: 'float', recurrence: 'float' }, (expected, actual, name) => {
          const bound = 1e-5 * expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1);
          expect(largestDifference(expected, actual), name).toBeLessThan(bound);
        });
      }),
      { numRuns: runs, seed: 20_261_121 },
    );
  });

  it.each([
    ['int8', 20],
    ['nbits8', 20],
    ['nbits4', 6],
  ] as const)('with the recurrence in %s keeps at least %d dB of them', async (recurrence, leastDb) => {
    await fc.assert(
      fc.asyncProperty(drawn, async (one) => {
        await eachOutput(one, { recurrence }, (expected, actual, name) => {
          if (expected.every((value) => Math.abs(value) < 1e-3)) return;
          expect(signalToErrorDb(expected, actual), name).toBeGreaterThan(leastDb);
        });
      }),
      { numRuns: Math.ceil(runs / 2), seed: 20_261_121 },
    );
  });
});

import type { GraphBuilder } from './buildGraph.js';

/** Recurrent cells: PyTorch's three. */
export type RecurrentCell = 'lstm' | 'gru' | 'rnn';

/** Gates of each cell: as many rows its weights have for each unit. */
const GATES: Readonly<Record<RecurrentCell, number>> = { lstm: 4, gru: 3, rnn: 1 };

const OPERATORS: Readonly<Record<RecurrentCell, string>> = { lstm: 'LSTM', gru: 'GRU', rnn: 'RNN' };

/** Power of a state of each cell with weights of the variances below, measured once: what the next layer reads. */
export const STATE_POWER: Readonly<Record<RecurrentCell, number>> = { lstm: 0.08, gru: 0.25, rnn: 0.4 };

/** One layer. */
export interface RecurrentLayer {
  readonly cell: RecurrentCell;
  readonly units: number;
  /** Width of the input. */
  readonly inputs: number;
  /** Mean square of the input: its weights are scaled so that every gate reads about one. */
  readonly inputPower: number;
  /** How both directions come together: added, as in Deep Speech 2, or beside each other; or one alone. */
  readonly directions: 'sum' | 'concat' | 'forward';
}

/**
 * Adds a recurrent layer. One of both directions knows each utterance's length.
 *
 * @param x - float32 [T, N, inputs]
 * @param lengths32 - int32 [N]
 * @returns float32 [T, N, units], or twice as wide where directions stand beside each other
 */
export function buildRecurrentLayer(
  graph: GraphBuilder,
  name: string,
  x: string,
  lengths32: string,
  layer: RecurrentLayer,
): string {
  const { cell, units, inputs, inputPower } = layer;
  const rows = GATES[cell] * units;
  const forward = layer.directions === 'forward';
  const count = forward ? 1 : 2;
  const y = graph.node(
    OPERATORS[cell],
    [
      x,
      graph.random(`${name}.W`, [count, rows, inputs], 1 / (inputs * inputPower)),
      graph.random(`${name}.R`, [count, rows, units], 1 / units),
      graph.random(`${name}.B`, [count, 2 * rows], 0.01),
      ...(forward ? [] : [lengths32]),
    ],
    `${name}.recurrent`,
    {
      direction: forward ? 'forward' : 'bidirectional',
      hidden_size: units,
      ...(cell === 'gru' ? { linear_before_reset: 1 } : {}),
    },
  );
  if (forward) return graph.node('Squeeze', [y, graph.integers([1])], `${name}.steps`);
  if (layer.directions === 'sum') {
    return graph.node('ReduceSum', [y, graph.integers([1])], `${name}.sum`, { keepdims: 0 });
  }
  const beside = graph.node('Transpose', [y], `${name}.beside`, { perm: [0, 2, 1, 3] });
  return graph.node('Reshape', [beside, graph.integers([0, 0, -1])], `${name}.joined`);
}

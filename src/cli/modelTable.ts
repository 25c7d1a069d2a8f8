import { type CardFigure, type ModelCard, onnxBytes, shippedBytes } from '../recognise/card/card.js';
import { type Cell, columns, megabytes } from './columns.js';

/** Sets that weights were chosen on: their rates flatter, so they stay in the cards. */
const CHOSEN_ON = / dev$/;

/**
 * The models beside each other: size, training, and the word error rate of each judged set in per cent with its 95 %
 * interval, a row for each arithmetic and decoder that was measured.
 *
 * @param cards - of the models, in the order of the rows
 */
export function modelTable(cards: readonly ModelCard[]): string {
  const sets = [...new Set(cards.flatMap(({ figures = [] }) => figures.map(({ set }) => set)))].filter(
    (set) => !CHOSEN_ON.test(set),
  );
  const rows = cards.flatMap((card) => rowsOf(card, sets));
  return columns(
    [
      'model',
      'parameters',
      'stored',
      'float32',
      'trained',
      'from',
      'measured as',
      ...sets.map((set) => shortName(set, sets)),
    ],
    rows,
  );
}

function rowsOf(card: ModelCard, sets: readonly string[]): readonly (readonly Cell[])[] {
  const about = [
    card.id,
    `${(card.parameters / 1e6).toFixed(1)} M`,
    sizeOf(shippedBytes(card)),
    sizeOf(onnxBytes(card)),
    card.training === undefined ? '' : `${card.training.hoursHeard.toFixed(0)} h`,
    originOf(card),
  ];
  const { figures = [] } = card;
  const kinds = [...new Set(figures.map(kindOf))];
  return (kinds.length === 0 ? [''] : kinds).map((kind, index) => [
    ...(index === 0 ? about : about.map(() => '')),
    kind,
    ...sets.map((set) => rateOf(figures.find((figure) => figure.set === set && kindOf(figure) === kind))),
  ]);
}

function sizeOf(bytes: number | undefined): string {
  return bytes === undefined ? '' : megabytes(bytes);
}

function originOf({ training }: ModelCard): string {
  const { continues, teacher } = training ?? {};
  return [continues, teacher && `taught by ${teacher}`].filter(Boolean).join(', ');
}

function kindOf({ precision = 'float32', decoder = 'greedy' }: CardFigure): string {
  return decoder === 'beam' ? `${precision}, beam + LM` : precision;
}

/** In per cent: `7.0 (4.5 to 9.9)`. */
function rateOf(figure: CardFigure | undefined): string {
  if (figure === undefined) return '';
  const percent = (rate: number): string => (100 * rate).toFixed(1);
  const { wer, interval95: [low, high] = [] } = figure;
  return low === undefined || high === undefined
    ? percent(wer)
    : `${percent(wer)} (${percent(low)} to ${percent(high)})`;
}

/** What stands before the comma, where that names one set alone. */
function shortName(set: string, sets: readonly string[]): string {
  const [head = set] = set.split(',');
  return sets.filter((other) => other.startsWith(head)).length === 1 ? head : set;
}

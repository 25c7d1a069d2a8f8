import { readPrices } from '../../measure/cost/prices.js';
import { EMBEDDED_LANGUAGE_MODEL } from '../../recognise/registry/embedded.js';
import type { Summary } from '../../study/schema.js';
import { gateText } from '../accuracyText.js';
import { formatQuantity } from '../metric.js';
import { MEASURES } from '../metrics.js';
import { answerOf } from '../post/answer.js';
import { type PricedCondition, pricedConditions } from './costOf.js';
import { buildTable, type DataTable, type TableCells, withoutEmpty } from './dataTable.js';
import { NO_NUMBER } from './format.js';
import { gapsOf, machineOf } from './measured.js';

/**
 * Builds the table that answers the experiment's question: a row for each measure that any condition has, a column for each condition.
 *
 * @param summary - summary of a run
 */
export async function buildAnswerTable(summary: Summary): Promise<DataTable> {
  const priced = pricedConditions(summary, await readPrices());
  const rows = withoutEmpty(priced.map((entry) => cellsOf(entry, priced)));
  return buildTable(rows, {
    title: `Measured on ${machineOf(summary)}`,
    notes: [
      ...(summary.run.protocol.accuracy === false ? [] : [answerOf(summary)]),
      'In parentheses: 95 % intervals.',
      ...basesOf(priced),
      ...gatesOf(priced),
      ...(summary.run.protocol.languageModel === EMBEDDED_LANGUAGE_MODEL ? [IN_DOMAIN] : []),
      ...methodsOf(priced),
      ...gapsOf(summary),
      ...summary.warnings.map((warning) => `Warning: ${warning}`),
    ],
    turned: true,
  });
}

/** Cells of a condition under their headers, units included; a dash where nothing was measured. */
function cellsOf(entry: PricedCondition, all: readonly PricedCondition[]): TableCells {
  const base = all.find(({ condition }) => condition.id === entry.comparison?.base);
  const cells = MEASURES.flatMap(({ title, unit, of, format, instead, comparison }): [string, string][] => {
    const quantity = of(entry);
    const own = quantity === null ? (instead?.(entry) ?? NO_NUMBER) : formatQuantity(quantity, format);
    const rows: [string, string][] = [[`${title} (${unit})`, own]];
    if (comparison?.title !== undefined) {
      const compared = base === undefined ? null : comparison.of(entry, base);
      rows.push([comparison.title, compared === null ? NO_NUMBER : formatQuantity(compared, comparison.format)]);
    }
    return rows;
  });
  return { Measure: entry.condition.title, Status: entry.outcome.status, ...Object.fromEntries(cells) };
}

const IN_DOMAIN =
  "The language model is in-domain: three quarters of its words are the training part of the same prompts' collection.";

/** What the rows that compare are against. */
function basesOf(priced: readonly PricedCondition[]): readonly string[] {
  const bases = priced.filter(({ condition }) => priced.some(({ comparison }) => comparison?.base === condition.id));
  if (bases.length === 0) return [];
  const titles = bases.map(({ condition }) => condition.title).join(', ');
  return [`Speed-ups, changes and times smaller are against ${titles}; word error rates compare the same utterances.`];
}

/** Whether each that was compared keeps the accuracy that MLPerf asks for. */
function gatesOf(priced: readonly PricedCondition[]): readonly string[] {
  return priced.flatMap(({ condition, comparison }) => {
    const gate = comparison?.significance?.test.gate;
    return gate ? [`${condition.title} ${gateText(gate)}.`] : [];
  });
}

/** How energy and cost were found; the same methods are said once. */
function methodsOf(priced: readonly PricedCondition[]): readonly string[] {
  const energies = priced.flatMap(({ outcome }) => {
    const energy = outcome.status === 'measured' ? outcome.energy : null;
    if (!energy) return [];
    const { estimated, method, scope, citation } = energy.source;
    const source = citation === null ? '' : ` Source: ${citation}.`;
    const derived = method === 'constant' ? ' It follows from the time alone and is no evidence beside it.' : '';
    return [`Energy is ${estimated ? 'an estimate' : 'measured'} (${method}): ${scope}.${derived}${source}`];
  });
  const prices = priced.flatMap(({ cost }) =>
    cost === null
      ? []
      : [
          `Cost is an estimate: ${cost.provider} ${cost.instance} at $${cost.usdPerHour} an hour, always at work, ${cost.assumption}; it follows from the throughput of that arrangement. Price: ${cost.citation}.`,
        ],
  );
  return [...new Set([...energies, ...prices])];
}

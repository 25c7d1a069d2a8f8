/**
 * Tables and figures of what was measured, and which variant to choose.
 *
 * @example
 * ```ts
 * import { buildTable, tableToText } from 'quantlab/report';
 *
 * const table = buildTable([{ Variant: 'float32', 'File (MB)': '32.1' }], { title: 'Sizes' });
 * console.log(tableToText(table).split('\n')[0]); // Sizes
 * ```
 *
 * @module quantlab/report
 */

export { type BitsSeries, bitsFigure } from '../report/figures/bitsFigure.js';
export { cachingFigure } from '../report/figures/cachingFigure.js';
export { choosingFigure } from '../report/figures/choosingFigure.js';
export { compareFigure } from '../report/figures/compareFigure.js';
export { breakEvenFigure, costFigure } from '../report/figures/costFigure.js';
export { type EnergyRow, energyFigure } from '../report/figures/energyFigure.js';
export { type ErrorsRow, errorsFigure } from '../report/figures/errorsFigure.js';
export type { Figure, PlotlySpec } from '../report/figures/figure.js';
export { buildFigures } from '../report/figures/figures.js';
export { type Distribution, histogramFigure } from '../report/figures/histogramFigure.js';
export { peersFigure } from '../report/figures/peersFigure.js';
export { type PrecisionSeries, precisionFigure } from '../report/figures/precisionFigure.js';
export { type RooflineRow, rooflineFigure } from '../report/figures/rooflineFigure.js';
export { type SensitivityRow, sensitivityFigure } from '../report/figures/sensitivityFigure.js';
export { serverFigure } from '../report/figures/serverFigure.js';
export { type SpectrogramAxes, spectrogramFigure } from '../report/figures/spectrogramFigure.js';
export { throughputFigure } from '../report/figures/throughputFigure.js';
export { variantsFigure } from '../report/figures/variantsFigure.js';
export { type WrittenFigures, writeFigures } from '../report/figures/writeFigures.js';
export type { Measure, Metric, MetricComparison, Quantity, Wording } from '../report/metric.js';
export { METRICS, type MetricId } from '../report/metrics.js';
export { answerOf } from '../report/post/answer.js';
export {
  type Candidate,
  candidatesOf,
  type Priorities,
  paretoFront,
  recommend,
} from '../report/post/choosing.js';
export { type Report, type WriteReportOptions, writeReport } from '../report/post/writeReport.js';
export { type CompareTableOptions, compareTable, type ModelResults } from '../report/tables/compareTable.js';
export { type ConditionSpeed, cheapestCost, type PricedCondition, speedsOf } from '../report/tables/costOf.js';
export { recordsToCsv } from '../report/tables/csv.js';
export { buildTable, type DataTable, type TableCells, type TableOptions } from '../report/tables/dataTable.js';
export { type DataFrame, type GroupedColumns, type Groups, toFrame } from '../report/tables/frame.js';
export { buildPeersTable } from '../report/tables/peersTable.js';
export { type FlatRecord, flattenRecords, type Value } from '../report/tables/records.js';
export { buildAnswerTable } from '../report/tables/table.js';
export { tableToHtml, tableToMarkdown, tableToText } from '../report/tables/tableText.js';

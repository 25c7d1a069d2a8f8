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
 * @packageDocumentation
 */

export { answerOf } from '../report/answer.js';
export { type BitsSeries, bitsFigure } from '../report/bitsFigure.js';
export { cachingFigure } from '../report/cachingFigure.js';
export {
  type Candidate,
  candidatesOf,
  type Priorities,
  paretoFront,
  recommend,
} from '../report/choosing.js';
export { choosingFigure } from '../report/choosingFigure.js';
export { compareFigure } from '../report/compareFigure.js';
export { breakEvenFigure, costFigure } from '../report/costFigure.js';
export { type ConditionSpeed, cheapestCost, type PricedCondition, speedsOf } from '../report/costOf.js';
export { recordsToCsv } from '../report/csv.js';
export { buildTable, type DataTable, type TableCells, type TableOptions } from '../report/dataTable.js';
export { type EnergyRow, energyFigure } from '../report/energyFigure.js';
export { type ErrorsRow, errorsFigure } from '../report/errorsFigure.js';
export type { Figure, PlotlySpec } from '../report/figure.js';
export { buildFigures } from '../report/figures.js';
export { type DataFrame, type GroupedColumns, type Groups, toFrame } from '../report/frame.js';
export { type Distribution, histogramFigure } from '../report/histogramFigure.js';
export type { Measure, Metric, MetricComparison, Quantity, Wording } from '../report/metric.js';
export { METRICS, type MetricId } from '../report/metrics.js';
export { type PrecisionSeries, precisionFigure } from '../report/precisionFigure.js';
export { type FlatRecord, flattenRecords, type Value } from '../report/records.js';
export { type RooflineRow, rooflineFigure } from '../report/rooflineFigure.js';
export { type SensitivityRow, sensitivityFigure } from '../report/sensitivityFigure.js';
export { serverFigure } from '../report/serverFigure.js';
export { type SpectrogramAxes, spectrogramFigure } from '../report/spectrogramFigure.js';
export { buildAnswerTable } from '../report/table.js';
export { tableToHtml, tableToMarkdown, tableToText } from '../report/tableText.js';
export { throughputFigure } from '../report/throughputFigure.js';
export { type VariantAxis, variantsFigure } from '../report/variantsFigure.js';
export { type WrittenFigures, writeFigures } from '../report/writeFigures.js';
export { type Report, type WriteReportOptions, writeReport } from '../report/writeReport.js';

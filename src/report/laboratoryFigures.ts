import type { InstancePrice } from '../measure/cost/prices.js';
import { cachingFigure } from './cachingFigure.js';
import type { Figure } from './figure.js';
import type { Laboratory } from './laboratory.js';
import { loadTimeFigure } from './loadTimeFigure.js';
import { rooflineFigure } from './rooflineFigure.js';
import { sensitivityFigure } from './sensitivityFigure.js';
import { serverFigure } from './serverFigure.js';
import { throughputFigure } from './throughputFigure.js';
import { variantsFigure } from './variantsFigure.js';

/**
 * The figures of the laboratory, as far as it has measured, in the order in which the write-up shows them. Pure: the same results
 * give the same figures.
 *
 * @param prices - of machines to rent, for the cost of variants
 */
export function buildLaboratoryFigures(
  laboratory: Laboratory,
  prices: readonly InstancePrice[] = [],
): readonly Figure[] {
  const { sensitivity, hardware, throughput, load, caching, variants } = laboratory;
  const own = hardware?.result.limits.at(-1);
  return [
    ...(hardware && own
      ? [
          {
            ...rooflineFigure(
              own,
              hardware.result.roofline.map((row) => ({ ...row, path: row.model })),
            ),
            name: '09-roofline',
          },
        ]
      : []),
    ...(throughput && throughput.result.length > 0
      ? [{ ...throughputFigure(throughput.result), name: '10-throughput' }]
      : []),
    ...(sensitivity ? [{ ...sensitivityFigure(sensitivity.result), name: '11-sensitivity' }] : []),
    ...(load && load.result.length > 0 ? [{ ...serverFigure(load.result), name: '12-load' }] : []),
    ...(caching && caching.result.load.length > 0
      ? [loadTimeFigure(caching.result), { ...cachingFigure(caching.result.results), name: '14-cache-hits' }]
      : []),
    ...(variants
      ? [variantsFigure(variants.summary, 'latency'), variantsFigure(variants.summary, 'cost', prices)]
      : []),
  ];
}

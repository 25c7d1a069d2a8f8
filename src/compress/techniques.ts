/**
 * The techniques, one a line. A new one: its folder, and its line here.
 *
 * @packageDocumentation
 */

export { DYNAMIC } from './dynamic/dynamic.js';
export { HALF } from './half/float16.js';
export { LOW_RANK } from './lowRank/lowRank.js';
export { PRUNE_UNITS } from './prune/pruneUnits.js';
export { PRUNE } from './prune/pruneWeights.js';
export { RECURRENT } from './recurrent/recurrent.js';
export { STATIC } from './static/static.js';
export { WEIGHT_ONLY } from './weightOnly/weightOnly.js';

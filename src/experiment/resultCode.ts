/** Module of the build whose code, with all that it uses, makes the results of a run; see `codeDigest`. */
export const RUN_CODE = 'experiment/runner.js';

/** The same of the laboratory's files; its variants are a run. */
export const LABORATORY_CODE = 'experiment/measureLaboratory.js';

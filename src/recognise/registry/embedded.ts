import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPackageSet, isPackageSet } from '../../speech/corpora/packageSpeech.js';
import { cacheFolder } from './registry.js';

/** The language model that comes with the package. */
export const EMBEDDED_LANGUAGE_MODEL = 'prompts';

/** Folder of this package. Sources and build lie equally deep below it. */
export function packageRoot(): string {
  return fileURLToPath(new URL('../../../', import.meta.url));
}

/**
 * Finds the manifest that a plan names.
 *
 * @param manifest - `holdout`, `dev` or `calibration` of this package, or a path
 * @returns a path
 * @throws {UnavailableError} when the recordings of the set are not in the package and were not got
 */
export function manifestPath(manifest: string): string {
  if (isPackageSet(manifest)) return findPackageSet(manifest, cacheFolder());
  return resolve(manifest);
}

/**
 * Finds the language model that a plan names.
 *
 * @param languageModel - `prompts`, the one of this package, or the path of an ARPA file, plain or `.gz`
 * @returns a path
 */
export function languageModelPath(languageModel: string): string {
  if (languageModel !== EMBEDDED_LANGUAGE_MODEL) return languageModel;
  return join(packageRoot(), 'data', 'lm', `${EMBEDDED_LANGUAGE_MODEL}.arpa.gz`);
}

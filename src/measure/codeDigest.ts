import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { sha256OfBytes } from '../files.js';
import { packageRoot } from './machine/environment.js';

/** Comments and white space, strings (those in a value of a template too), and regular expressions (a slash where no value can stand before it). */
const TOKENS =
  /(?<gap>(?:\s+|\/\*[\s\S]*?\*\/|\/\/[^\n]*)+)|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|\$\{(?:[^{}`]|`[^`]*`|\{[^{}]*\})*\}|[^`\\])*`|(?<=(?:[(,=:[!&|?{};+]|=>|return)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\//g;

/** Another module of the package that a module names: by import, or as the program of a process. */
const MODULE_NAME = /['"](\.{1,2}\/[\w./-]+\.js)['"]/g;

/**
 * Takes comments and the white space that says nothing out of JavaScript: two texts that differ in nothing else become the same.
 *
 * @param source - as a compiler or formatter wrote it
 * @returns text to be compared, not to be run
 */
export function withoutComments(source: string): string {
  return source.replace(TOKENS, (token: string, gap: string | undefined, offset: number) => {
    if (gap === undefined) return token;
    const isWord = (character = ''): boolean => /[\w$]/.test(character);
    return isWord(source[offset - 1]) && isWord(source[offset + token.length]) ? ' ' : '';
  });
}

/**
 * Digest of the code that makes a result: a module and all that it uses of this package, as built, without comments. Results keep
 * it, so that those of older code are found out. Types are erased by the build and do not count; packages and models have records
 * of their own.
 *
 * @param entry - module of the build: `experiment/runner.js`
 * @param folder - of the build. Default: this package's `dist`
 * @returns SHA-256, 64 hexadecimal digits; `null` where there is no build
 */
export function codeDigest(entry: string, folder: string = join(packageRoot(), 'dist')): string | null {
  const modules = new Map<string, string>();
  const waiting = [join(folder, entry)];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const name = relative(folder, path).split(sep).join('/');
    if (modules.has(name) || name.startsWith('..') || !existsSync(path)) continue;
    const source = withoutComments(readFileSync(path, 'utf8'));
    modules.set(name, source);
    for (const [, other = ''] of source.matchAll(MODULE_NAME)) waiting.push(join(dirname(path), other));
  }
  if (modules.size === 0) return null;
  return sha256OfBytes(JSON.stringify([...modules].sort(([a], [b]) => (a < b ? -1 : 1))));
}

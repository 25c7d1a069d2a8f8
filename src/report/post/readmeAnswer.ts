import { escapeMarkdown } from '../escape.js';

const PLACE = /(<!-- answer -->\n)[\s\S]*?(\n<!-- \/answer -->)/;

/**
 * Puts the answer of a run where a README marks its place (`<!-- answer -->` to `<!-- /answer -->`, each on a line of its own), so that
 * words and figure tell of the same run.
 *
 * @returns the new text; the old one where no place is marked
 */
export function withAnswer(readme: string, answer: string): string {
  return readme.replace(PLACE, (_, before: string, after: string) => `${before}${escapeMarkdown(answer)}${after}`);
}

import { escapeXml } from '../report/escape.js';
import { alignWords, formatAlignment } from '../speech/text/alignmentView.js';
import { openScreen, type Screen } from './screen.js';

/** What one recogniser made of an utterance. */
export interface HeardText {
  /** Who heard it: `float32`. */
  readonly title: string;
  readonly text: string;
}

/**
 * Shows what was said and what each recogniser heard, word by word: words that were heard wrong are bold above the word that was
 * said, added words are underlined, and missing ones struck through. On a terminal, lines with marks.
 *
 * @param reference - what was said
 * @param heard - one or more, shown one below the other
 * @param screen - where; found out by default
 */
export async function showAlignment(reference: string, heard: readonly HeardText[], screen?: Screen): Promise<void> {
  const { show } = screen ?? (await openScreen());
  const rows = heard.map(({ title, text }) => {
    const words = alignWords(reference, text).map(({ operation, reference: said, hypothesis }) => {
      const [was, is] = [escapeXml(said ?? ''), escapeXml(hypothesis ?? '')];
      if (operation === 'substitution')
        return `<ruby><b>${is}</b><rp>(</rp><rt style="font-size:0.8em">${was}</rt><rp>)</rp></ruby>`;
      if (operation === 'insertion') return `<ins>${is}</ins>`;
      return operation === 'deletion' ? `<del>${was}</del>` : is;
    });
    return `<tr><th scope="row" style="text-align:left">${escapeXml(title)}</th><td style="text-align:left;line-height:2">${words.join(' ')}</td></tr>`;
  });
  const caption = `<caption style="text-align:left">Said: ${escapeXml(reference)}</caption>`;
  const plain = heard.map(({ title, text }) => `${title}\n${formatAlignment(alignWords(reference, text))}`);
  show(`<table>${caption}<tbody>\n${rows.join('\n')}\n</tbody></table>`, plain.join('\n'));
}

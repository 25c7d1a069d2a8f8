import { escapeXml } from '../escape.js';
import type { Figure, Scheme } from './figure.js';

/**
 * Makes Plotly's SVG reproducible and accessible: the random part of its ids becomes the figure's name, attributes are put in
 * order (theirs depends on what was drawn before), and a title and a description are put in for screen readers.
 *
 * @param svg - as Plotly wrote it
 * @param figure - its words
 * @param scheme - part of the ids, so that both can stand in one page
 */
export function normaliseSvg(svg: string, figure: Figure, scheme: Scheme): string {
  const random = /id="defs-([0-9a-z]+)"/.exec(svg)?.[1];
  const prefix = `${figure.name}-${scheme}-`;
  const steady = sortAttributes(random ? svg.replaceAll(random, prefix) : svg);
  const words = `<title>${escapeXml(figure.title)}</title><desc>${escapeXml(figure.alt)}</desc>`;
  return `${steady.replace(/^<svg([^>]*)>/, `<svg$1 role="img">${words}`)}\n`;
}

function sortAttributes(svg: string): string {
  return svg.replace(
    /<([a-zA-Z][\w:-]*)((?: [\w:-]+="[^"]*")+)(\s*\/?)>/g,
    (_, tag: string, list: string, end: string) => {
      const attributes = [...list.matchAll(/ ([\w:-]+="[^"]*")/g)].map(([, attribute]) => attribute ?? '');
      return `<${[tag, ...attributes.filter((attribute) => attribute !== 'style=""').sort()].join(' ')}${end}>`;
    },
  );
}

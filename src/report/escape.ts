/**
 * Text from outside (titles, ids, reasons, transcripts), made fit for the place where it is shown: one function for each kind of
 * place, called where that place is written and nowhere before, so that nothing is escaped twice or not at all.
 */

/** Characters that no reader sees but some programs obey: control characters, line breaks, direction marks, halves of characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]|\p{Surrogate}/gu;

/** One line without characters that nobody sees. */
function visible(text: string): string {
  return text.replace(UNSEEN, ' ');
}

/** Characters as numeric entities, which HTML, kramdown and Plotly all show as the characters themselves. */
function entities(text: string, characters: RegExp): string {
  return text.replace(characters, (match) => [...match].map((one) => `&#${one.codePointAt(0)};`).join(''));
}

/** Text as it may stand in HTML and XML, between tags and in attributes. */
export function escapeXml(text: string): string {
  const own: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return entities(
    visible(text).replace(/[&<>"]/g, (one) => own[one] as string),
    /'/g,
  );
}

/** HTML as it may stand in a file that Jekyll includes: Liquid, which is run before, finds nothing in it. */
export function escapeLiquid(html: string): string {
  return entities(html, /[{}]/g);
}

/** Text as it may be filled into the write-up, which is Markdown for kramdown, or into the HTML in it. */
export function escapeKramdown(text: string): string {
  const line = entities(visible(text), /[&<>"'`*_[\]{}|\\~#!^]|\$(?=\$)|-{2,}|\.{3,}/g);
  return line.replace(/^\s*(?:[-+:=]|\d+[.)])(?=\s|$)/, (mark) => entities(mark, /[-+:=.)]/g));
}

/** Text as it may stand in GitHub's Markdown, in a cell of a table too. An underscore within a word means nothing there. */
export function escapeMarkdown(text: string): string {
  const own: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
  return visible(text)
    .replace(/[\\`*[\]|~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '\\$&')
    .replace(/[&<>]/g, (one) => own[one] as string);
}

/** Text as Plotly may draw it, which knows some HTML: no tags but those that figures write themselves, and no entities. */
export function escapePlotly(text: string): string {
  return text.replace(/&(?=#?\w+;)/g, '&amp;').replace(/<(?!(?:\/?b|br|\/?extra)>)/g, '&lt;');
}

/** What a terminal would obey, as JSON writes it: lines stay lines, and JSON stays JSON. */
export function escapeTerminal(text: string): string {
  return text.replace(UNSEEN, (one) =>
    one === '\n' || one === '\t' ? one : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

import { type AlignedPair, alignWords } from '../../speech/text/alignmentView.js';
import type { Answer, ListedModel } from './ask.js';

/** What one model heard. */
export interface Hearing {
  readonly model: ListedModel;
  readonly answer: Answer;
}

/** Shows a model's text, size and time in its column. */
export function showHearing(column: HTMLElement, { model, answer }: Hearing): void {
  part(column, '.text').textContent = answer.text || 'Nothing was heard.';
  const speed = (answer.audioS * 1000) / Math.max(answer.computeMs, 0.1);
  const kept = answer.cached ? ', kept from an earlier time' : '';
  showFacts(column, [
    ['Size', megabytes(model.size_bytes)],
    ['Time', `${seconds(answer.computeMs)} for ${answer.audioS.toFixed(1)} s of sound${kept}`],
    ['Speed', `${speed.toPrecision(2)} times as fast as it was spoken`],
  ]);
}

/** Shows a model that has yet to answer. */
export function showWaiting(column: HTMLElement, model: ListedModel): void {
  part(column, 'h3').textContent = model.id;
  part(column, '.text').textContent = '…';
  showFacts(column, [['Size', megabytes(model.size_bytes)]]);
}

/**
 * Marks the words in which two texts differ, and lists them.
 *
 * @returns one sentence that says how much the texts differ
 */
export function showDifferences(
  left: HTMLElement,
  right: HTMLElement,
  list: HTMLElement,
  texts: readonly [string, string],
): string {
  const pairs = alignWords(...texts);
  const differing = pairs.filter(({ operation }) => operation !== 'hit');
  const words = pairs.filter(({ reference }) => reference !== null).length;
  list.replaceChildren();
  if (differing.length === 0) return words === 0 ? 'Neither heard a word.' : `Both heard the same ${words} words.`;
  part(left, '.text').replaceChildren(...marked(pairs, ({ reference }) => reference));
  part(right, '.text').replaceChildren(...marked(pairs, ({ hypothesis }) => hypothesis));
  const items = differing.map(({ reference, hypothesis }) => {
    const item = document.createElement('li');
    item.textContent = `${reference ?? 'nothing'} → ${hypothesis ?? 'nothing'}`;
    return item;
  });
  const title = document.createElement('h3');
  title.textContent = 'Where they differ, left → right';
  const all = document.createElement('ul');
  all.append(...items);
  list.append(title, all);
  return `They differ in ${differing.length} of ${words} words.`;
}

function marked(pairs: readonly AlignedPair[], wordOf: (pair: AlignedPair) => string | null): (Node | string)[] {
  return pairs.flatMap((pair) => {
    const word = wordOf(pair);
    if (pair.operation === 'hit') return [`${word} `];
    const mark = document.createElement('mark');
    // A word that only the other heard.
    mark.textContent = word ?? '–';
    return [mark, ' '];
  });
}

function showFacts(column: HTMLElement, facts: readonly (readonly [string, string])[]): void {
  const items = facts.flatMap(([name, value]) => {
    const [term, detail] = [document.createElement('dt'), document.createElement('dd')];
    term.textContent = name;
    detail.textContent = value;
    return [term, detail];
  });
  part(column, 'dl').replaceChildren(...items);
}

function part(column: HTMLElement, selector: string): HTMLElement {
  return column.querySelector(selector) as HTMLElement;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toPrecision(3)} MB`;
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

import { describe, expect, it } from 'vitest';
import { UnavailableError } from '../../src/errors.js';
import { showFigures, showProgress, showTable } from '../../src/notebook/index.js';
import { interactiveFigure } from '../../src/notebook/interactive.js';
import { openScreen, type Screen } from '../../src/notebook/screen.js';
import { buildFigures } from '../../src/report/figures/figures.js';
import { buildAnswerTable } from '../../src/report/tables/table.js';
import { readInventedRun } from '../report/fixture.js';

const { summary, observations } = readInventedRun();
const figures = buildFigures(summary, observations);
const figure = figures.find(({ alt }) => alt.startsWith('Distribution of latencies'));
if (!figure) throw new Error('a figure was required');

function record(): { readonly screen: Screen; readonly html: string[]; readonly plain: string[] } {
  const html: string[] = [];
  const plain: string[] = [];
  const show = (markup: string, text: string): void => {
    html.push(markup);
    plain.push(text);
  };
  return { screen: { show, openPlace: () => show }, html, plain };
}

describe('notebook', () => {
  it('writes to the terminal outside a kernel', async () => {
    const written: string[] = [];
    const screen = await openScreen((text) => void written.push(text));
    screen.show('<b>html</b>', 'plain');
    const place = screen.openPlace();
    place('<b>1</b>', 'one');
    place('<b>1</b>', 'one');
    expect(written).toEqual(['plain\n', 'one\n']);
  });

  it('shows the table as HTML and as text', async () => {
    const { screen, html, plain } = record();
    await showTable(await buildAnswerTable(summary), screen);
    expect(html[0]).toContain('<th scope="col" style="text-align:right">CPU int8 dynamic</th>');
    expect(html[0]).toContain('<th scope="row" style="text-align:left;white-space:nowrap">Latency, mean (ms)</th>');
    expect(plain[0]).toContain('CPU int8 dynamic');
  });

  it('sets words to the left and numbers to the right, and text from outside is text', async () => {
    const { screen, html } = record();
    const rows = [
      ['<b>', 'weight-only', '3.92', '−1 (−2 to 0)', 'log-mel'],
      ['b', '2nd best', '–', '0', '5.9e-8'],
      ['c', 'third', '–', 'needs 64 trials', 'slaney'],
    ];
    const columns = ['Name', 'Take', 'Score', 'Change', 'Value'];
    await showTable({ title: 'a & b', columns, rows, notes: ['Note.'] }, screen);
    expect(html[0]).toContain(
      '<td style="text-align:left">weight-only</td><td style="text-align:right;white-space:nowrap">3.92</td>',
    );
    expect(html[0]).toContain('<td style="text-align:left">2nd best</td><td style="text-align:right">–</td>');
    expect(html[0]).toContain(
      '<td style="text-align:right">needs 64 trials</td><td style="text-align:left">slaney</td>',
    );
    expect(html[0]).toContain('&lt;b&gt;</th>');
    expect(html[0]).toContain('>Note.</p>');
  });

  it('redraws progress seldom, but always a new label and the end', async () => {
    const { screen, plain } = record();
    let clock = 0;
    const step = await showProgress(screen, () => clock);
    for (let done = 1; done <= 100; done += 1) {
      clock += 10;
      step({ done, total: 100, label: done < 50 ? 'a' : 'b' });
    }
    expect(plain.length).toBeLessThan(10);
    expect(plain).toContain('b: 50 of 100');
    expect(plain.at(-1)).toBe('b: 100 of 100');
  });

  it('says the pace and how long the rest takes, of each piece of work its own', async () => {
    const { screen, html } = record();
    let clock = 0;
    const step = await showProgress(screen, () => clock);
    const htmlAfter = (seconds: number, done: number): string => {
      clock += seconds * 1000;
      step({ done, total: 100, label: 'trials' });
      return html.at(-1)?.replace(/<[^>]*>/g, '') ?? '';
    };
    expect(htmlAfter(0, 1)).toBe(' 1 of 100 · trials');
    expect(htmlAfter(10, 21)).toBe(' 21 of 100 · trials · 2.0 a second, 40 s left');
    expect(htmlAfter(490, 51)).toBe(' 51 of 100 · trials · 0.10 a second, 9 min left');
    expect(htmlAfter(1, 1)).toBe(' 1 of 100 · trials');
    expect(htmlAfter(1, 50)).toBe(' 50 of 100 · trials · 49 a second, 2 s left');
    expect(htmlAfter(1, 100)).toBe(' 100 of 100 · trials');
  });

  it('puts a static picture under each interactive figure, and no Plotly', () => {
    const html = interactiveFigure(figure, '<svg></svg>', process.cwd());
    expect(html).toContain('src="data:image/svg+xml;base64,PHN2Zz48L3N2Zz4="');
    expect(html).toContain('alt="Distribution of latencies');
    expect(html).toContain('"plotly":"node_modules/plotly.js-dist/plotly.js"');
    expect(html.length).toBeLessThan(30_000);
    expect(interactiveFigure(figure, '<svg></svg>', process.cwd())).toBe(html);
  });

  it('cannot be broken out of by text from outside', () => {
    const html = interactiveFigure({ ...figure, spec: { data: [{ name: '</script><b>' }], layout: {} } }, null);
    expect(html.match(/<\/script>/g)).toHaveLength(1);
  });

  it('shows figures as words where no browser draws', async () => {
    const { screen, html } = record();
    const open = () => Promise.reject(new UnavailableError('browser: one was required, got none; install one'));
    await showFigures(figures, { screen, open });
    expect(html).toHaveLength(figures.length);
    expect(html.join('\n')).toContain('<p>Distribution of latencies');
  });
});

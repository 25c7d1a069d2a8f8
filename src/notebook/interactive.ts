import { createHash } from 'node:crypto';
import { relative, sep } from 'node:path';
import { escapeXml } from '../report/escape.js';
import { plotlyPath } from '../report/figures/export.js';
import type { Figure } from '../report/figures/figure.js';
import { templateOf, withScheme } from '../report/figures/theme.js';

/**
 * A figure as HTML for a notebook: a static picture with alternative text and caption, and a script that puts an interactive
 * Plotly figure in its place. Where scripts do not run (a notebook that is not trusted, a code host) the picture stays.
 *
 * Plotly is not in the output: the script loads `plotly.js` once a page from the Jupyter server's own files, trying the places
 * where `node_modules` lies beside or above the notebook.
 *
 * @param figure - what to show
 * @param svg - the static picture; without it a sentence says that the script is needed
 * @param notebookFolder - the kernel's folder; the place of `plotly.js` is written relative to it
 */
export function interactiveFigure(figure: Figure, svg: string | null, notebookFolder: string = process.cwd()): string {
  const payload = JSON.stringify({
    ...withScheme(figure.spec, 'light'),
    dark: templateOf('dark'),
    height: figure.height,
    plotly: relative(notebookFolder, plotlyPath()).split(sep).join('/'),
  }).replace(/</g, '\\u003c');
  const id = `quantlab-${createHash('sha256').update(payload).digest('hex').slice(0, 12)}`;
  const picture = svg
    ? `<img alt="${escapeXml(figure.alt)}" width="${figure.width}" style="max-width:100%;height:auto" src="data:image/svg+xml;base64,${Buffer.from(svg).toString('base64')}">`
    : `<p>${escapeXml(figure.alt)}</p>`;
  return [
    `<figure class="${id}" style="margin:0;max-width:${figure.width}px"><div>${picture}</div>`,
    `<figcaption style="padding:0.5em 0 1em">${escapeXml(figure.caption)}</figcaption></figure>`,
    `<script>(${pageScript.trim()})('${id}', ${payload});</script>`,
  ].join('\n');
}

/** Runs in the reader's browser; plain JavaScript. */
const pageScript = `
(id, figure) => {
  const jupyter = document.getElementById('jupyter-config-data');
  const base = jupyter ? JSON.parse(jupyter.textContent).baseUrl || '/' : '';
  const opened = /\\/(?:tree|notebooks|edit)\\/(.*)$/.exec(decodeURIComponent(location.pathname));
  const below = figure.plotly.replace(/^(\\.\\.\\/)+/, '');
  const places = [figure.plotly];
  if (jupyter) {
    const folder = location.origin + base + 'files/' + (opened ? opened[1] : 'x/x').replace(/[^/]*$/, '');
    places.splice(0, 1, new URL(figure.plotly, folder).href, base + 'files/' + below);
  }
  const load = (url) => new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error(url)));
    script.onerror = () => reject(new Error(url));
    document.head.append(script);
  });
  window.quantlabPlotly ??= places.reduce((before, url) => before.catch(() => load(url)), Promise.reject());
  window.quantlabPlotly.then((Plotly) => {
    const isDark = document.body.dataset.jpThemeLight === 'false';
    const layout = { ...figure.layout, autosize: true, height: figure.height };
    if (isDark) layout.template = figure.dark;
    for (const host of document.getElementsByClassName(id)) {
      const place = host.firstElementChild;
      if (place.dataset.drawn) continue;
      place.dataset.drawn = 'yes';
      const chart = document.createElement('div');
      chart.setAttribute('role', 'img');
      chart.setAttribute('aria-label', place.firstElementChild.alt || place.textContent);
      place.replaceChildren(chart);
      Plotly.newPlot(chart, figure.data, layout, { responsive: true, displayModeBar: false });
    }
  }, () => {});
}`;

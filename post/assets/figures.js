// Makes each figure interactive when its button is pressed. Until then a page is its text and pictures: Plotly is large, and
// comes from this site alone. Without scripts there is no button.
(() => {
  const { base } = document.currentScript.dataset;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let plotly;

  const loadPlotly = () => {
    plotly ??= new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = `${base}plotly.js`;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => reject(new Error('plotly.js is not on this site; it is put there by npm run post'));
      document.head.append(script);
    });
    return plotly;
  };

  const draw = async (figure, button) => {
    const picture = figure.querySelector('picture');
    button.disabled = true;
    button.textContent = 'Loading …';
    try {
      const [Plotly, answer] = await Promise.all([loadPlotly(), fetch(`${base}figures/${figure.dataset.name}.json`)]);
      const { data, layout, darkTemplate, height } = await answer.json();
      const chart = document.createElement('div');
      // Words and margins are as wide as in the picture: a narrow screen scrolls.
      chart.style.minWidth = `${picture.querySelector('img').getAttribute('width')}px`;
      const frame = document.createElement('div');
      frame.className = 'chart';
      frame.tabIndex = 0;
      frame.append(chart);
      chart.setAttribute('role', 'img');
      chart.setAttribute('aria-label', picture.querySelector('img').alt);
      const schemed = () => ({ ...layout, autosize: true, height, template: dark.matches ? darkTemplate : layout.template });
      picture.replaceWith(frame);
      button.remove();
      await Plotly.newPlot(chart, data, schemed(), { responsive: true, displayModeBar: false });
      dark.addEventListener('change', () => Plotly.react(chart, data, schemed()));
    } catch (error) {
      button.textContent = `Only the picture can be shown: ${error.message}`;
    }
  };

  for (const figure of document.querySelectorAll('figure[data-name]')) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = 'Explore the numbers';
    button.addEventListener('click', () => draw(figure, button));
    figure.querySelector('figcaption').before(button);
  }
})();

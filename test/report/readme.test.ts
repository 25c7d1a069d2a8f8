import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { CardFigure, CardTraining, ModelCard } from '../../src/recognise/card/card.js';
import { manifestPath } from '../../src/recognise/registry/embedded.js';
import { listModels } from '../../src/recognise/registry/registry.js';
import { answerOf } from '../../src/report/post/answer.js';
import { withAnswer } from '../../src/report/post/readmeAnswer.js';
import { readManifest } from '../../src/speech/corpora/manifest.js';
import { readFinishedRun } from '../../src/study/finishedRun.js';
import { DEFAULT_MODEL } from '../../src/study/plan.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

describe('README', () => {
  it('gives the answer of the committed run, word for word', async () => {
    const { summary } = await readFinishedRun(join(root, 'data', 'results', 'latest'));
    expect(readme, 'run `npm run figures` and commit what it writes').toContain(answerOf(summary));
    // Where a run of one's own writes its answer.
    expect(withAnswer(readme, 'Another answer: $1.')).toBe(
      readme.replace(answerOf(summary), () => 'Another answer: $1.'),
    );
  });

  it('shows the main result on the first screen, with words for who cannot see it', () => {
    const [, alt = '', path = ''] = /!\[([^\]]+)\]\((figures\/[^)]+)\)/.exec(readme) ?? [];
    expect(path).toBe('figures/00-at-a-glance.svg');
    expect(alt.length).toBeGreaterThan(40);
    expect(readme.slice(0, readme.indexOf(path)).split('\n').length).toBeLessThan(16);
    expect(readFileSync(join(root, path), 'utf8')).toContain('<desc>');
  });

  it('says of the models and the speech what they are', async () => {
    const cards = await listModels();
    expect(cards.map(({ id }) => id)).toContain(DEFAULT_MODEL);
    for (const { id, figures, parameters = 0 } of cards) {
      const greedy = figures?.filter(({ precision, decoder }) => precision === 'float32' && decoder === 'greedy');
      const errors = (set: string): string => {
        const wer = greedy?.find((figure) => figure.set.startsWith(set))?.wer;
        return (100 * (wer ?? Number.NaN)).toFixed(1);
      };
      // Side by side: the set that it is best on alone would promise too much.
      const sets = ['prompts hold-out, all', 'AN4 test', 'mini-LibriSpeech test'].map(errors);
      const row = readme.split('\n').find((line) => line.startsWith(`| \`${id}\``));
      expect(row).toMatch(new RegExp(` \\| ${(parameters / 1e6).toFixed(1)} M \\| ${sets.join(' \\| ')} \\|$`));
    }
    expect(readme).toContain(`${(await readManifest(manifestPath('holdout'))).length} telephone prompts`);
  });
});

it('data/models/README gives the rates of the models that were left out as their cards had them', () => {
  interface LeftOut extends Pick<ModelCard, 'id' | 'figures'> {
    readonly training: CardTraining;
  }
  const left: LeftOut[] = JSON.parse(readFileSync(join(root, 'training', 'logs', 'left-out.json'), 'utf8'));
  const rows = readFileSync(join(root, 'data', 'models', 'README.md'), 'utf8').split('\n');
  const percent = (rate = Number.NaN): string => (100 * rate).toFixed(1);
  for (const { id, training, figures } of left) {
    const cells = [
      ['AN4 test'],
      ['prompts hold-out, all'],
      ['prompts hold-out, all', 'beam'],
      ['mini-LibriSpeech test'],
    ];
    const rates = cells.map(([set = '', decoder = 'greedy']) => {
      const of = (figure: CardFigure): boolean =>
        figure.set.startsWith(set) && figure.precision === 'float32' && figure.decoder === decoder;
      const { wer, interval95 } = figures?.find(of) ?? {};
      return `${percent(wer)} (${percent(interval95?.[0])}-${percent(interval95?.[1])})`;
    });
    const row = rows.find((line) => line.startsWith(`| \`${id}\` `));
    expect(row).toContain(` | ${[training.hoursHeard.toFixed(0), ...rates].join(' | ')} |`);
  }
  expect(left.length).toBeGreaterThan(9);
});

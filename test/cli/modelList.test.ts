import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { modelTable } from '../../src/cli/modelTable.js';
import type { ModelCard } from '../../src/recognise/card/card.js';
import { listModels } from '../../src/recognise/registry/registry.js';
import { quantlab } from './terminal.js';

const FOLDER = new URL('../../data/models/', import.meta.url);
const cards = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => JSON.parse(readFileSync(new URL(`${name}/model.json`, FOLDER), 'utf8')) as ModelCard);

/** The table, without the words about each model that follow it. */
async function table(): Promise<string> {
  const { out } = await quantlab('model', 'list');
  return out.slice(0, out.indexOf('Word error rates in per cent'));
}

/** In per cent, as the table writes it. */
const percent = (rate: number): string => (100 * rate).toFixed(1);

describe('quantlab model list', () => {
  it('shows each model once, and a row for each way it was measured', async () => {
    const out = await table();
    const blocks = out.split(/^(?=[a-z])/m).slice(1);
    expect(blocks.map((block) => block.split(' ')[0])).toEqual(cards.map(({ id }) => id));
    for (const [place, card] of cards.entries()) {
      const rows = (blocks[place] ?? '').trimEnd().split('\n');
      const kinds = new Set(card.figures?.map(({ precision, decoder }) => `${precision} ${decoder}`));
      expect(rows, card.id).toHaveLength(kinds.size);
    }
  });

  it('gives the rates of the judged sets with their intervals, and none of the sets that weights were chosen on', async () => {
    const out = await table();
    for (const { figures = [] } of cards) {
      for (const { set, wer, interval95: [low = 0, high = 0] = [] } of figures) {
        if (!set.endsWith(' dev')) expect(out).toContain(`${percent(wer)} (${percent(low)} to ${percent(high)})`);
      }
    }
    expect(out).toContain('AN4 test');
    expect(out).not.toContain('dev');
  });

  it('says what a model was taught by, and continues', async () => {
    const [card] = await listModels();
    if (card?.training === undefined) throw new Error('no shipped model');
    const student = { ...card, training: { ...card.training, teacher: 'a-teacher', continues: 'a-student' } };
    expect(modelTable([student])).toMatch(/ a-student, taught by a-teacher {2}/);
    expect(modelTable([card])).not.toContain('taught by');
  });
});

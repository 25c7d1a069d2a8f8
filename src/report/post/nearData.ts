import type { Heard } from '../../measure/accuracy/accuracy.js';
import { areNearTraining } from '../../speech/corpora/nearPrompts.js';
import { ratesOf } from '../../speech/text/wer.js';
import type { FinishedRun } from '../../study/finishedRun.js';
import type { Observation } from '../../study/schema.js';
import type { Json } from '../figures/figure.js';
import { formatPercent } from '../tables/format.js';

/**
 * Word error rates without the prompts of the hold-out that are nearly those of the training part, for the write-up; `null` where other
 * speech was heard.
 */
export async function nearDataOf({ summary, observations }: FinishedRun): Promise<Json> {
  const { manifest, normaliser } = summary.run.protocol;
  if (manifest !== 'holdout') return null;
  const heard = observations.filter(({ phase }) => phase === 'accuracy');
  const said = new Map(heard.map(({ utterances, references }) => [utterances[0] ?? '', references?.[0] ?? '']));
  const near = await areNearTraining([...said.values()]);
  const left = new Set([...said.keys()].filter((_, place) => !near[place]));
  const rateOf = (own: readonly Observation[], texts: (one: Observation) => string | undefined): string | null => {
    const pairs = own.flatMap((one): Heard[] => {
      const text = texts(one);
      return text === undefined ? [] : [{ reference: one.references?.[0] ?? '', text }];
    });
    return pairs.length === 0 ? null : formatPercent(ratesOf(pairs, normaliser).wer);
  };
  return {
    prompts: said.size - left.size,
    rows: summary.conditions.flatMap(({ condition: { id, title } }) => {
      const own = heard.filter(({ condition, utterances }) => condition === id && left.has(utterances[0] ?? ''));
      if (own.length === 0) return [];
      return [
        { title, wer: rateOf(own, ({ texts }) => texts[0]), beam_wer: rateOf(own, (one) => one.secondTexts?.[0]) },
      ];
    }),
  };
}

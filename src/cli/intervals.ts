import type { AccuracySummary } from '../measure/accuracy/accuracy.js';

/** Intervals of error rates as a program reads them: over the texts, and over the speakers where there are several. */
export function intervalsOf({
  wer,
  cer,
  bySpeaker,
}: Pick<AccuracySummary, 'wer' | 'cer' | 'bySpeaker'>): Record<string, unknown> {
  return {
    interval: { level: 0.95, wer: [wer.low, wer.high], cer: [cer.low, cer.high] },
    ...(bySpeaker && {
      intervalOverSpeakers: {
        level: 0.95,
        speakers: bySpeaker.speakers,
        wer: [bySpeaker.wer.low, bySpeaker.wer.high],
        cer: [bySpeaker.cer.low, bySpeaker.cer.high],
      },
    }),
  };
}

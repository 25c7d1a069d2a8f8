import { escapeXml } from '../report/escape.js';
import { openScreen, type Screen } from './screen.js';

/** How far a piece of work is. */
export interface ProgressStep {
  readonly done: number;
  readonly total: number;
  /** What is being done: the condition and the phase. */
  readonly label: string;
}

/** Shows how far a piece of work is, always in the same place. */
export type ShowStep = (step: ProgressStep) => void;

/** Redrawn at most this often, or a long run would send thousands of messages. */
const REDRAW_MS = 200;

/**
 * Opens a progress bar in the notebook, or lines on a terminal; call what it returns with each step.
 *
 * @param screen - where; found out by default
 * @param now - clock in milliseconds
 * @example
 * const step = await showProgress();
 * step({ done: 3, total: 10, label: 'CPU float32, latency' });
 */
export async function showProgress(screen?: Screen, now: () => number = () => performance.now()): Promise<ShowStep> {
  const write = (screen ?? (await openScreen())).openPlace();
  let drawn = Number.NEGATIVE_INFINITY;
  let last: ProgressStep = { done: 0, total: 0, label: '' };
  let begun: { readonly atMs: number; readonly done: number } | null = null;
  return (step) => {
    const isDue = now() - drawn >= REDRAW_MS || step.done >= step.total || step.label !== last.label;
    // A second piece of work in the same place has a pace of its own.
    if (begun === null || step.done < last.done) begun = { atMs: now(), done: step.done };
    last = step;
    if (!isDue) return;
    drawn = now();
    write(barOf(step, paceOf(step, begun, now())), `${step.label}: ${step.done} of ${step.total}`);
  };
}

/** Steps a second and the time that the rest takes at this pace; nothing before it is known, and at the end. */
function paceOf(
  { done, total }: ProgressStep,
  begun: { readonly atMs: number; readonly done: number },
  atMs: number,
): string {
  const elapsedS = (atMs - begun.atMs) / 1000;
  const perS = (done - begun.done) / elapsedS;
  if (elapsedS < 1 || !(perS > 0) || done >= total) return '';
  const leftS = Math.ceil((total - done) / perS);
  const left = leftS < 90 ? `${leftS} s` : `${Math.ceil(leftS / 60)} min`;
  return ` · ${perS.toPrecision(2)} a second, ${left} left`;
}

function barOf({ done, total, label }: ProgressStep, pace: string): string {
  const text = escapeXml(label);
  return `<div><progress value="${done}" max="${total}" aria-label="${text}"></progress> ${done} of ${total} · ${text}${pace}</div>`;
}

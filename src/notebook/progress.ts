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
  let label = '';
  return (step) => {
    const isDue = now() - drawn >= REDRAW_MS || step.done >= step.total || step.label !== label;
    if (!isDue) return;
    drawn = now();
    label = step.label;
    write(barOf(step), `${step.label}: ${step.done} of ${step.total}`);
  };
}

function barOf({ done, total, label }: ProgressStep): string {
  const text = escapeXml(label);
  return `<div><progress value="${done}" max="${total}" aria-label="${text}"></progress> ${done} of ${total} · ${text}</div>`;
}

import { escapeTerminal } from '../report/escape.js';

/** Where a notebook shows things; outside a notebook, a terminal. */
export interface Screen {
  /** Shows HTML; `plain` stands for it where HTML cannot be shown. */
  show(html: string, plain: string): void;
  /** A place that is written anew each time, for progress. */
  openPlace(): (html: string, plain: string) => void;
}

/** How a terminal is written to. */
export type WriteText = (text: string) => void;

interface TslabDisplay {
  html(html: string): void;
}

interface Tslab {
  readonly display: TslabDisplay;
  newDisplay(): TslabDisplay;
}

/**
 * Opens the kernel's display where the program runs in a tslab kernel, and a terminal elsewhere.
 *
 * @param write - how the terminal is written to; standard output by default
 * @param load - how tslab is imported; it is not installed everywhere
 */
export async function openScreen(
  write: WriteText = (text) => void process.stdout.write(escapeTerminal(text)),
  load: () => Promise<Tslab> = () => import('tslab') as unknown as Promise<Tslab>,
): Promise<Screen> {
  const tslab = isKernel() ? await load().catch(() => null) : null;
  if (tslab === null) return terminalScreen(write);
  return {
    show: (html) => tslab.display.html(html),
    openPlace: () => {
      const display = tslab.newDisplay();
      return (html) => display.html(html);
    },
  };
}

/** tslab has no question for this, and its display throws outside: its kernel is started as `tslab kernel --config-path …`. */
function isKernel(): boolean {
  return process.argv.includes('kernel') && process.argv.some((argument) => argument.startsWith('--config-path'));
}

function terminalScreen(write: WriteText): Screen {
  return {
    show: (_html, plain) => write(`${plain}\n`),
    openPlace: () => {
      let last = '';
      return (_html, plain) => {
        if (plain !== last) write(`${plain}\n`);
        last = plain;
      };
    },
  };
}

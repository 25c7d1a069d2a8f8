import { SingleBar } from 'cli-progress';
import { escapeTerminal } from '../report/escape.js';
import type { LeftOut } from '../speech/corpora/recordings.js';

/** A bar that fills, or lines where there is no terminal to draw in. */
export interface Progress {
  /** @param done - how much is done, in the unit of `total` @param note - what is being done now */
  update(done: number, total: number, note: string): void;
  stop(): void;
}

/** What a command may use of the world: the two streams, the progress display, and the wish to stop. */
export interface Terminal {
  /** Writes to standard output: results. */
  readonly print: (text: string) => void;
  /** Writes to standard error: everything else. */
  readonly say: (text: string) => void;
  readonly progress: () => Progress;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Tells of an input that is left out; the command goes on with the others, and its exit code says that one failed. */
  readonly leaveOut: (leftOut: LeftOut) => void;
  readonly close: () => void;
}

/** What a command line is given: all but what it counts itself. */
export type Streams = Omit<Terminal, 'leaveOut'>;

/** Without a terminal, a line each time that this share of the work is done: logs stay short. */
const LINE_EVERY = 0.25;

function bar(): Progress {
  const drawn = new SingleBar({
    format: '{bar} {percentage}% | {note} | {value}/{total} | {duration_formatted}',
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    barsize: 28,
  });
  let started = false;
  return {
    update: (done, total, note) => {
      if (!started) drawn.start(total, done, { note: escapeTerminal(note) });
      started = true;
      drawn.setTotal(total);
      drawn.update(done, { note: escapeTerminal(note) });
    },
    stop: () => {
      if (started) drawn.stop();
    },
  };
}

function lines(say: (text: string) => void): Progress {
  let lastNote = '';
  let next = 0;
  return {
    update: (done, total, note) => {
      if (note !== lastNote) next = 0;
      lastNote = note;
      if (total <= 0 || done / total < next) return;
      next = Math.floor(done / total / LINE_EVERY + 1) * LINE_EVERY;
      say(`${note}: ${done} of ${total}\n`);
    },
    stop: () => undefined,
  };
}

/** What shells say of a program that ended since nobody read on (SIGPIPE, 13). */
const NOBODY_READS = 128 + 13;

/** Ends this process where what reads it has gone, as `head` does: nothing more would be read. */
function endUnread(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(NOBODY_READS);
}

/** The terminal of this process. The first Ctrl-C asks the command to stop in order, the second ends it at once. */
export function processTerminal(): Streams {
  // Not taken away at the end: a stream tells after what was written that nobody read it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endUnread);
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const say = (text: string): void => void process.stderr.write(escapeTerminal(text));
  return {
    print: (text) => void process.stdout.write(escapeTerminal(text)),
    say,
    progress: () => (process.stderr.isTTY ? bar() : lines(say)),
    signal: controller.signal,
    close: () => {
      process.off('SIGINT', interrupt);
      process.off('SIGTERM', interrupt);
    },
  };
}

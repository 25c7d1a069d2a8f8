import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { QuantlabError } from '../errors.js';
import { Recognizer } from '../recognise/recognizer.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { type Transcript, transcribeFile } from '../recognise/transcribe.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { addDecoderOptions, type DecoderCommandOptions, decoderOptions } from './decoderOptions.js';
import { audioChannel, hours, wholeNumber } from './options.js';
import type { Terminal } from './terminal.js';

interface TranscribeCommandOptions extends DecoderCommandOptions {
  readonly model: string;
  readonly threads: number;
  readonly channel: 'mix' | number;
  readonly maxHours?: number;
  readonly json?: true;
}

/** What is printed as JSON of a recording: its transcript, or why there is none. */
type TranscribeRecord = { readonly path: string } & (
  | Transcript
  | { readonly error: { readonly kind: string; readonly message: string } }
);

/** `quantlab transcribe AUDIO…`: what is said in recordings of any length. */
export function addTranscribeCommand(program: Command, terminal: Terminal): void {
  addDecoderOptions(program.command('transcribe'))
    .description('Print what is said in recordings: WAV, FLAC, MP3, Ogg, WebM or SPHERE, of any length')
    .argument('<audio...>', 'the recordings')
    .option('--model <id|path>', 'a model of `quantlab model list`, or an .onnx file with its card', DEFAULT_MODEL)
    .option('--threads <n>', 'threads of one operator', wholeNumber(1), availableParallelism())
    .option('--channel <n|mix>', 'the channel that is heard, from 1; mix: the average of all', audioChannel, 'mix')
    .option('--max-hours <n>', 'longest recording that is taken (default: 24)', hours)
    .option('--json', 'print JSON, with the segments, the words and their times')
    .action(async (paths: readonly string[], options: TranscribeCommandOptions) => {
      const recognizer = await Recognizer.load(await resolveModel(options.model), {
        threads: options.threads,
        decoder: { ...decoderOptions(options), wordTimes: options.json === true },
      });
      for (const warning of recognizer.warnings) terminal.say(`warning: ${warning}\n`);
      const records: TranscribeRecord[] = [];
      try {
        for (const path of paths) {
          const progress = terminal.progress();
          try {
            const transcript = await transcribeFile(recognizer, path, {
              // The length is known at the end only.
              onProgress: (doneS) => progress.update(Math.round(doneS), 0, `${path}: seconds transcribed`),
              signal: terminal.signal,
              channel: options.channel,
              ...(options.maxHours !== undefined && { maximumS: 3600 * options.maxHours }),
            });
            progress.stop();
            records.push({ path, ...transcript });
            if (!options.json) terminal.print(`${paths.length > 1 ? `${path}: ` : ''}${transcript.text}\n`);
          } catch (error) {
            terminal.signal.throwIfAborted();
            if (!(error instanceof QuantlabError)) throw error;
            terminal.leaveOut({ id: path, message: error.message });
            records.push({ path, error: { kind: error.name, message: error.message } });
          } finally {
            progress.stop();
          }
        }
      } finally {
        await recognizer.release();
      }
      if (options.json) terminal.print(`${JSON.stringify(records, null, 2)}\n`);
    });
}

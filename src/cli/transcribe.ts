import type { Command } from 'commander';
import { QuantlabError } from '../errors.js';
import { Recognizer } from '../recognise/recognizer.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { type Transcript, transcribeFile } from '../recognise/transcribe.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { addDecoderOptions, type DecoderCommandOptions, decoderOptions } from './decoderOptions.js';
import { examples } from './help.js';
import { addJson, addModelOption, addThreads, declare, threadsOf } from './optionGroups.js';
import { audioChannel, hours } from './options.js';
import { printJson } from './output.js';
import type { Terminal } from './terminal.js';

interface TranscribeCommandOptions extends DecoderCommandOptions {
  readonly model?: string;
  readonly threads?: number;
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
  declare(program.command('transcribe'), addModelOption, addThreads, addDecoderOptions, addJson)
    .description('Print what is said in recordings: WAV, FLAC, MP3, Ogg, WebM or SPHERE, of any length')
    .argument('<audio...>', 'the recordings')
    .option('--channel <n|mix>', 'the channel that is heard, from 1; mix: the average of all', audioChannel, 'mix')
    .option('--max-hours <n>', 'longest recording that is taken (default: 24)', hours)
    .addHelpText('after', examples('transcribe speech.wav', 'transcribe *.flac --decoder beam --lm prompts --json'))
    .action(async (paths: readonly string[], options: TranscribeCommandOptions) => {
      const recognizer = await Recognizer.load(await resolveModel(options.model ?? DEFAULT_MODEL), {
        threads: await threadsOf(options),
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
      if (options.json) printJson(records, terminal);
    });
}

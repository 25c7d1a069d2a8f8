import { basename, extname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { QuantlabError, UsageError } from '../errors.js';
import { makeFolder, writeFileAtomic } from '../files.js';
import { captionsOf, formatCaptions } from '../recognise/captions.js';
import { Recognizer } from '../recognise/recognizer.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { type Transcript, transcribeFile } from '../recognise/transcribe.js';
import { DEFAULT_MODEL } from '../study/plan.js';
import { addDecoderOptions, type DecoderCommandOptions, decoderOptions } from './decoderOptions.js';
import { examples } from './help.js';
import { addJson, addModelOption, addThreads, declare, type Given, threadsOf } from './optionGroups.js';
import { audioChannel, hours } from './options.js';
import { jsonText, printJson } from './output.js';
import type { Terminal } from './terminal.js';

const FORMATS = ['txt', 'srt', 'vtt', 'json'] as const;
type Format = (typeof FORMATS)[number];

interface TranscribeCommandOptions extends Pick<Given, 'threads' | 'out' | 'json'>, DecoderCommandOptions {
  readonly model?: string;
  readonly channel: 'mix' | number;
  readonly maxHours?: number;
  readonly format: Format;
  readonly prompt?: string;
}

/** What is printed as JSON of a recording: its transcript, or why there is none. */
type TranscribeRecord = { readonly path: string } & (
  | Transcript
  | { readonly error: { readonly kind: string; readonly message: string } }
);

/** `quantlab transcribe AUDIO…`: what is said in recordings of any length. */
export function addTranscribeCommand(program: Command, terminal: Terminal): void {
  declare(program.command('transcribe'), addModelOption(), addThreads, addDecoderOptions, addJson)
    .description('Print what is said in recordings: WAV, FLAC, MP3, Ogg, WebM or SPHERE, of any length')
    .argument('<audio...>', 'the recordings')
    .option('--channel <n|mix>', 'the channel to transcribe, from 1; mix: the average of all', audioChannel, 'mix')
    .option('--max-hours <n>', 'longest recording that is taken (default: 24)', hours)
    .addOption(
      new Option('--format <name>', 'plain text, captions (SubRip, WebVTT), or JSON with the time of each segment')
        .choices(FORMATS)
        .default('txt'),
    )
    .option('--prompt <text>', 'words that are likely; for a Whisper, a text that leads up to the recording')
    .option('-o, --out <folder>', 'write a file for each recording into this folder, instead of printing')
    .addHelpText('after', examples('transcribe speech.wav', 'transcribe talk.mp3 --model whisper-tiny.en --format srt'))
    .action(async (paths: readonly string[], options: TranscribeCommandOptions) => {
      const format = options.json ? 'json' : options.format;
      const outputs = outputsOf(paths, format, options.out);
      const recognizer = await Recognizer.load(await resolveModel(options.model ?? DEFAULT_MODEL), {
        threads: await threadsOf(options),
        decoder: { ...decoderOptions(options), wordTimes: format !== 'txt' },
      });
      for (const warning of recognizer.warnings) terminal.say(`warning: ${warning}\n`);
      const records: TranscribeRecord[] = [];
      try {
        const listener = await recognizer.guided({ prompt: options.prompt });
        if (options.out !== undefined) await makeFolder(options.out);
        for (const path of paths) {
          const progress = terminal.progress();
          try {
            const transcript = await transcribeFile(listener, path, {
              // The length is known at the end only.
              onProgress: (doneS) => progress.update(Math.round(doneS), 0, `${path}: seconds transcribed`),
              signal: terminal.signal,
              channel: options.channel,
              ...(options.maxHours !== undefined && { maximumS: 3600 * options.maxHours }),
            });
            progress.stop();
            records.push({ path, ...transcript });
            const output = outputs.get(path);
            if (output !== undefined) await writeFileAtomic(output, fileText(path, transcript, format));
            else if (format === 'txt') terminal.print(`${paths.length > 1 ? `${path}: ` : ''}${transcript.text}\n`);
            else if (format !== 'json') terminal.print(formatCaptions(captionsOf(transcript), format));
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
      if (format === 'json' && options.out === undefined) printJson(records, terminal);
    });
}

/**
 * The file of each recording: its name, with the ending of the format.
 *
 * @throws {UsageError} when two would be one, or captions of several would be printed one behind the other
 */
function outputsOf(paths: readonly string[], format: Format, folder: string | undefined): ReadonlyMap<string, string> {
  if (folder === undefined) {
    if ((format === 'srt' || format === 'vtt') && paths.length > 1) {
      throw new UsageError(`--format ${format}: one recording was required, got ${paths.length}; add --out FOLDER`);
    }
    return new Map();
  }
  const outputs = new Map<string, string>();
  for (const path of new Set(paths)) {
    const output = join(folder, `${basename(path, extname(path))}.${format}`);
    const other = [...outputs].find(([, taken]) => taken === output)?.[0];
    if (other !== undefined) {
      throw new UsageError(`--out: recordings of different names were required, got ${other} and ${path}; rename one`);
    }
    outputs.set(path, output);
  }
  return outputs;
}

function fileText(path: string, transcript: Transcript, format: Format): string {
  if (format === 'txt') return `${transcript.text}\n`;
  if (format === 'json') return jsonText({ path, ...transcript });
  return formatCaptions(captionsOf(transcript), format);
}

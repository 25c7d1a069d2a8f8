import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import { USUAL_BOOST } from '../recognise/kinds/ctc/hotWords.js';
import type { DecoderOptions } from '../recognise/kinds/kind.js';
import { EMBEDDED_LANGUAGE_MODEL, languageModelPath } from '../recognise/registry/embedded.js';
import { numberFrom, wholeNumber } from './options.js';

/** What the options of {@link addDecoderOptions} give. */
export interface DecoderCommandOptions {
  readonly decoder: 'greedy' | 'beam';
  readonly lm?: string;
  readonly alpha?: number;
  readonly beta?: number;
  readonly beamWidth?: number;
  readonly hotWord?: Readonly<Record<string, number>>;
  readonly language?: string;
  readonly margin?: number;
  readonly fallBack: boolean;
}

const number = numberFrom(Number.NEGATIVE_INFINITY);

/** Adds `--decoder`, `--lm` and what belongs to them to a command. */
export function addDecoderOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--decoder <name>', 'best path, or beam search').choices(['greedy', 'beam']).default('greedy'),
    )
    .option('--lm <file>', `language model of the beam search: ARPA, plain or .gz, or ${EMBEDDED_LANGUAGE_MODEL}`)
    .option('--alpha <x>', 'weight of the language model (default: as tuned, beside its file)', number)
    .option('--beta <x>', 'score of each word (default: as tuned)', number)
    .option('--beam-width <n>', 'texts kept after each step (default: as tuned)', wholeNumber(1))
    .option('--hot-word <word[=boost]>', 'a word that is likely here (may be given several times)', hotWord)
    .option('--language <code>', 'language that is spoken, for a Whisper of several (default: it finds out)')
    .addOption(marginOption())
    .option('--no-fall-back', 'keep the doubtful texts of a Whisper as they are, instead of decoding them again');
}

/** `--margin`, of whatever hears. */
export function marginOption(): Option {
  return new Option(
    '--margin <s>',
    'silence that a Whisper hears behind a recording, in seconds, in place of its whole window: sooner heard, and in short recordings less well (default: the whole window)',
  ).argParser(numberFrom(0));
}

/**
 * The decoder that a command line asks for.
 *
 * @throws {UsageError} when an option of the beam search is given without it
 */
export function decoderOptions(options: DecoderCommandOptions): DecoderOptions {
  const { decoder, lm, alpha, beta, beamWidth, hotWord: hotWords } = options;
  const given = { lm, alpha, beta, 'beam-width': beamWidth, 'hot-word': hotWords };
  const [extra] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (decoder === 'greedy' && extra !== undefined) {
    throw new UsageError(`--${extra}: --decoder beam was required with it, got greedy; add it`);
  }
  const path = lm === undefined ? undefined : languageModelPath(lm);
  const { language, margin: marginS, fallBack } = options;
  return {
    kind: decoder,
    languageModelPath: path,
    alpha,
    beta,
    beamWidth,
    hotWords,
    language,
    marginS,
    ...(!fallBack && { fallBack }),
  };
}

function hotWord(text: string, before: Readonly<Record<string, number>> | undefined): Readonly<Record<string, number>> {
  const at = text.lastIndexOf('=');
  const word = at < 0 ? text : text.slice(0, at);
  return { ...before, [word]: at < 0 ? USUAL_BOOST : number(text.slice(at + 1)) };
}

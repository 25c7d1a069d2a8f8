import { type AnswerOptions, RESPONSE_FORMATS, type ResponseFormat } from '../answers/formats.js';
import { RequestError } from '../answers/refusal.js';

/** What the fields of `POST /v1/audio/transcriptions` ask for. */
export interface TranscriptionFields extends AnswerOptions {
  readonly model: string | undefined;
  /** Words of the prompt: they are likely in the recording. */
  readonly hotWords: readonly string[] | undefined;
  readonly channel: number | undefined;
  readonly stream: boolean;
}

/** Words of a prompt that are listened for: more slow the search down and help nothing. */
const MOST_HOT_WORDS = 200;

/** Fields that are taken; `chunking_strategy` is, too, since long recordings are always cut. */
const KNOWN = new Set([
  ...['model', 'language', 'prompt', 'response_format', 'temperature', 'timestamp_granularities', 'stream'],
  ...['chunking_strategy', 'channel'],
]);

/**
 * Checks the fields of a form.
 *
 * @throws {RequestError} when one is unknown or not possible
 */
export function readFields(fields: ReadonlyMap<string, readonly string[]>): TranscriptionFields {
  for (const name of fields.keys()) {
    if (!KNOWN.has(name))
      throw wrong(name, [...KNOWN].join(', '), `a field ${JSON.stringify(name)}`, 'unknown_parameter');
  }
  const one = (name: string): string | undefined => fields.get(name)?.at(-1);
  const format = (one('response_format') ?? 'json') as ResponseFormat;
  if (!RESPONSE_FORMATS.includes(format)) throw wrong('response_format', RESPONSE_FORMATS.join(', '), format);
  const granularities = (fields.get('timestamp_granularities') ?? ['segment']) as ('word' | 'segment')[];
  for (const name of granularities) {
    if (!['word', 'segment'].includes(name)) throw wrong('timestamp_granularities', 'word or segment', name);
  }
  const temperature = Number(one('temperature') ?? 0);
  // Nothing is drawn by chance here: any temperature gives the likeliest text.
  if (!(temperature >= 0 && temperature <= 1))
    throw wrong('temperature', 'a number from 0 to 1', String(one('temperature')));
  const language = one('language');
  if (language !== undefined && !/^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(language)) {
    throw wrong('language', 'a code such as en', language);
  }
  const stream = flag('stream', one('stream'));
  if (stream && format !== 'json' && format !== 'text') {
    throw wrong('response_format', 'json or text with stream=true', format);
  }
  const channel = one('channel');
  if (channel !== undefined && !/^[1-9]\d{0,2}$/.test(channel))
    throw wrong('channel', 'a whole number from 1', channel);
  return {
    ...{ model: one('model'), format, granularities, language, stream },
    channel: channel === undefined ? undefined : Number(channel),
    hotWords: hotWordsOf(one('prompt')),
  };
}

/** The words of a prompt, as recognisers write them. */
export function hotWordsOf(prompt: string | undefined): readonly string[] | undefined {
  const words = (prompt ?? '').toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)*/gu) ?? [];
  const known = [...new Set(words.map((word) => word.replaceAll('’', "'")))];
  return known.length === 0 ? undefined : known.slice(0, MOST_HOT_WORDS);
}

function flag(name: string, text: string | undefined): boolean {
  const value = text?.toLowerCase() ?? 'false';
  if (['true', '1'].includes(value)) return true;
  if (['false', '0', ''].includes(value)) return false;
  throw wrong(name, 'true or false', value);
}

function wrong(param: string, required: string, got: string, code = 'invalid_value'): RequestError {
  return new RequestError(`${param}: ${required} was required, got ${got}; choose of these`, {
    ...{ status: 400, code, param },
  });
}

import { type AnswerOptions, RESPONSE_FORMATS, type ResponseFormat } from '../answers/formats.js';
import { RequestError } from '../answers/refusal.js';

/** What the fields of `POST /v1/audio/transcriptions` ask for. */
export interface TranscriptionFields extends AnswerOptions {
  readonly model: string | undefined;
  /** A text that leads up to the recording, or words that are likely in it. */
  readonly prompt: string | undefined;
  readonly channel: number | undefined;
  readonly stream: boolean;
}

/** BCP 47. */
const LANGUAGE = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

/** Of a file that is read. */
export const MOST_CHANNELS: number = 256;

/** Programs write it in several ways. */
const FLAG = /^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01]?)$/;

const GRANULARITIES = ['word', 'segment'] as const;

/** The form, for `GET /openapi.json`. */
export const FORM: { readonly properties: Readonly<Record<string, object>> } & Readonly<Record<string, unknown>> = {
  type: 'object',
  required: ['file'],
  additionalProperties: false,
  properties: {
    file: {
      type: 'string',
      format: 'binary',
      description: 'The recording: WAV, FLAC, MP3, Ogg, WebM or SPHERE, told apart by content.',
    },
    model: { type: 'string', description: 'A name of GET /v1/models. Default: the first.' },
    language: {
      type: 'string',
      pattern: LANGUAGE.source,
      description: 'Code of the language that is spoken. Default: a Whisper of several finds out.',
    },
    prompt: {
      type: 'string',
      description: 'Words that are likely; for a Whisper, a text that leads up to the recording.',
    },
    response_format: { type: 'string', enum: RESPONSE_FORMATS, default: 'json' },
    'timestamp_granularities[]': {
      type: 'array',
      items: { type: 'string', enum: GRANULARITIES },
      default: ['segment'],
      description: 'What verbose_json has.',
    },
    temperature: {
      ...{ type: 'number', minimum: 0, maximum: 1 },
      description: 'Changes nothing: the likeliest text is given.',
    },
    stream: {
      anyOf: [{ type: 'boolean' }, { type: 'string', pattern: FLAG.source }],
      default: false,
      description: 'Server-sent events, as the text comes about; with json or text.',
    },
    channel: {
      ...{ type: 'integer', minimum: 1, maximum: MOST_CHANNELS },
      description: 'The channel that is heard. Default: the average.',
    },
    chunking_strategy: { type: 'string', description: 'Taken: long recordings are always cut at silences.' },
  },
};

const KNOWN = new Set(Object.keys(FORM.properties).map((name) => name.replace('[]', '')));

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
  const granularities = (fields.get('timestamp_granularities') ?? ['segment']) as (typeof GRANULARITIES)[number][];
  for (const name of granularities) {
    if (!GRANULARITIES.includes(name)) throw wrong('timestamp_granularities', 'word or segment', name);
  }
  const temperature = one('temperature') ?? '0';
  // Nothing is drawn by chance here: any temperature gives the likeliest text.
  if (temperature.trim() === '' || !(Number(temperature) >= 0 && Number(temperature) <= 1))
    throw wrong('temperature', 'a number from 0 to 1', temperature);
  const language = one('language');
  if (language !== undefined && !LANGUAGE.test(language)) {
    throw wrong('language', 'a code such as en', language);
  }
  const stream = flag('stream', one('stream'));
  if (stream && format !== 'json' && format !== 'text') {
    throw wrong('response_format', 'json or text with stream=true', format);
  }
  const channel = one('channel');
  if (channel !== undefined && !(/^[1-9]\d{0,2}$/.test(channel) && Number(channel) <= MOST_CHANNELS))
    throw wrong('channel', `a whole number from 1 to ${MOST_CHANNELS}`, channel);
  return {
    ...{ model: one('model'), format, granularities, language: language?.toLowerCase(), stream },
    channel: channel === undefined ? undefined : Number(channel),
    prompt: one('prompt'),
  };
}

function flag(name: string, text: string = ''): boolean {
  if (FLAG.test(text)) return /^(true|1)$/i.test(text);
  throw wrong(name, 'true or false', text);
}

function wrong(param: string, required: string, got: string, code = 'invalid_value'): RequestError {
  return new RequestError(`${param}: ${required} was required, got ${got}; choose of these`, {
    ...{ status: 400, code, param },
  });
}

/**
 * What requests and answers look like, as JSON Schema: for those who read `/openapi.json`. Nothing is checked or written by it: bodies are
 * read as they come, and answers have what they have.
 */
export interface Described {
  /** The body of a request, by its media type. */
  readonly body?: object | undefined;
  /** The answer where all went well; the others are {@link ERROR}. */
  readonly answer: object;
  /** The answer where the service cannot, if it is another than {@link ERROR}. */
  readonly failed?: object | undefined;
}

type Properties = Readonly<Record<string, object>>;

const text = { type: 'string' } as const;
const number = { type: 'number', minimum: 0 } as const;
const whole = { type: 'integer', minimum: 0 } as const;
const flag = { type: 'boolean' } as const;

function list(items: object): object {
  return { type: 'array', items };
}

/** An object with these properties and no others. */
function object(properties: Properties, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

function content(byType: Readonly<Record<string, object>>): object {
  const entries = Object.entries(byType).map(([type, schema]) => [type, { schema }]);
  return { content: Object.fromEntries(entries) };
}

function answered(description: string, byType: Readonly<Record<string, object>>): object {
  return { description, ...content(byType) };
}

const error = { message: text, type: text, param: { type: ['string', 'null'] }, code: { type: ['string', 'null'] } };

/** Whatever is refused or fails. */
export const ERROR: object = answered('Why not, in the form of OpenAI', {
  'application/json': object({ error: object(error) }),
});

const recording = { type: 'string', format: 'binary', description: 'A recording.' } as const;

const word = object({ word: text, startS: number, endS: number, confidence: number });
const segment = object({ startS: number, endS: number, text, words: list(word) }, ['words']);
const transcript = object(
  {
    ...{ model: text, text, segments: list(segment), words: list(word), audioS: number, computeMs: number },
    cached: flag,
  },
  ['words'],
);

const usage = object({ type: { const: 'duration' }, seconds: number });
const verboseSegment = object(
  {
    ...{ id: whole, seek: whole, start: number, end: number, text, tokens: list(whole), temperature: number },
    ...{ avg_logprob: { type: 'number', maximum: 0 }, compression_ratio: number },
  },
  ['avg_logprob', 'compression_ratio'],
);
const verbose = object(
  {
    ...{ task: { const: 'transcribe' }, language: text, duration: number, text, usage, segments: list(verboseSegment) },
    words: list(object({ word: text, start: number, end: number })),
  },
  ['segments', 'words'],
);

const model = object({
  ...{ id: text, object: { const: 'model' }, created: whole, owned_by: text, title: text, size_bytes: whole },
});

function json(schema: object, description: string): Described {
  return { answer: answered(description, { 'application/json': schema }) };
}

const ready = object({ status: text, workers: whole, busy: whole, waiting: whole });

/** Routes that are described. */
export type DescribedRoute =
  | 'transcribe'
  | 'transcriptions'
  | 'models'
  | 'model'
  | 'reload'
  | 'health'
  | 'ready'
  | 'metrics';

/** What is described of each route, by its name. */
export const DESCRIBED: Readonly<Record<DescribedRoute, Described>> = {
  transcribe: {
    ...json(transcript, 'What was heard'),
    body: content({ 'application/octet-stream': recording }),
  },
  transcriptions: {
    answer: answered('What was heard, in the form that was asked for', {
      'application/json': { anyOf: [object({ text, usage }), verbose] },
      'text/plain': text,
      'application/x-subrip': text,
      'text/vtt': text,
      // An event is an object, of OpenAI's types.
      'text/event-stream': {},
    }),
  },
  models: json(object({ object: { const: 'list' }, data: list(model) }), 'All models'),
  model: json(model, 'The model'),
  reload: json(object({ changed: list(text) }), 'Names of those that changed'),
  health: json(object({ status: { enum: ['ok', 'ending'] } }), 'It lives'),
  ready: { ...json(ready, 'It can transcribe'), failed: json(ready, 'It cannot').answer },
  metrics: { answer: answered('Counts', { 'text/plain': text }) },
};

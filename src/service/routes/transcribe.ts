import type { FastifyInstance } from 'fastify';
import type { TranscribedSegment } from '../../recognise/passage.js';
import type { Transcript } from '../../recognise/transcribe.js';
import { DESCRIBED } from '../answers/described.js';
import { checkLength, saveBody } from '../body/saveBody.js';
import { checkWords } from '../models.js';
import { MOST_CHANNELS } from './fields.js';
import { goneSignal, type Service } from './route.js';

/** What `POST /transcribe` answers. */
export interface ServiceAnswer extends Transcript {
  /** The model that heard it. */
  readonly model: string;
  /** Whether the answer was kept from an earlier request with the same bytes. */
  readonly cached: boolean;
}

interface Query {
  readonly model?: string;
  readonly channel?: number;
  readonly words?: boolean;
}

const QUERY = {
  type: 'object',
  additionalProperties: false,
  properties: {
    model: { type: 'string', description: 'A name of GET /v1/models. Default: the first.' },
    channel: {
      type: 'integer',
      minimum: 1,
      maximum: MOST_CHANNELS,
      description: 'The channel that is heard. Default: the average.',
    },
    words: { type: 'boolean', default: false, description: 'Adds when each word was said.' },
  },
} as const;

/** `POST /transcribe`: the bytes of a recording in, its text and segments out. */
export function addTranscribe(app: FastifyInstance, service: Service): void {
  void app.register(async (scope) => {
    // Whatever it is called: what a recording is, its bytes say.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.route<{ Querystring: Query; Body: AsyncIterable<Uint8Array> | undefined }>({
      method: 'POST',
      url: '/transcribe',
      config: { isQueued: true, described: DESCRIBED.transcribe },
      schema: {
        summary: 'What is said in a recording',
        description: 'The body is the recording itself: WAV, FLAC, MP3, Ogg, WebM or SPHERE, told apart by content.',
        querystring: QUERY,
      },
      handler: async (request, reply): Promise<ServiceAnswer> => {
        const started = performance.now();
        const { transcriber, folder, settings, metrics } = service;
        const { model: name, channel, words = false } = request.query;
        const signal = goneSignal(request, reply);
        const model = transcriber.models.get(name);
        if (words) checkWords(model, 'words');
        checkLength(request.headers['content-length'], settings.maximumBodyBytes);
        const path = folder.newPath();
        try {
          const chunks = bytesOf(request.raw, request.body !== undefined);
          const { sha256 } = await saveBody(chunks, path, settings.maximumBodyBytes);
          const hearing = channel === undefined ? {} : { channel };
          const { client } = request;
          const { transcript, cached } = await transcriber.hear({ model, path, sha256, hearing, client, signal });
          metrics.transcribed((performance.now() - started) / 1000, transcript.audioS);
          const segments = words ? transcript.segments : transcript.segments.map(withoutWords);
          return { model: model.id, ...transcript, segments, cached };
        } finally {
          await folder.remove(path);
        }
      },
    });
  });
}

/** Not to be destroyed when it is too large: an answer has to go out on the same connection. */
function bytesOf(raw: NodeJS.ReadableStream, hasBody: boolean): AsyncIterable<Uint8Array> {
  if (!hasBody) return (async function* () {})();
  return (raw as import('node:stream').Readable).iterator({ destroyOnReturn: false });
}

function withoutWords({ words: _, ...segment }: TranscribedSegment): TranscribedSegment {
  return segment;
}

import { PassThrough } from 'node:stream';
import fastifyMultipart from '@fastify/multipart';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { DESCRIBED } from '../answers/described.js';
import { answerOf } from '../answers/formats.js';
import { refusalOf } from '../answers/refusal.js';
import { TextStream } from '../answers/textStream.js';
import { readForm } from '../body/form.js';
import type { OnSegment } from '../flights.js';
import { checkWords } from '../models.js';
import type { Heard } from '../transcriber.js';
import { FORM, readFields } from './fields.js';
import { goneSignal, type Service } from './route.js';

/** `POST /v1/audio/transcriptions`, as OpenAI's clients ask. */
export function addTranscriptions(app: FastifyInstance, service: Service): void {
  void app.register(async (scope) => {
    await scope.register(fastifyMultipart);
    scope.route({
      method: 'POST',
      url: '/v1/audio/transcriptions',
      config: { isQueued: true, described: DESCRIBED.transcriptions },
      schema: {
        summary: "What is said in a recording, by OpenAI's interface",
        consumes: ['multipart/form-data'],
        body: FORM,
      },
      // The form is read by the handler, as it comes.
      validatorCompiler: () => () => true,
      handler: async (request, reply): Promise<FastifyReply> => {
        const started = performance.now();
        const { transcriber, folder, settings, metrics } = service;
        const signal = goneSignal(request, reply);
        const path = folder.newPath();
        try {
          const { sha256, fields } = await readForm(request, path, settings.maximumBodyBytes);
          const { model: name, channel, prompt, stream, ...options } = readFields(fields);
          const model = transcriber.models.get(name);
          if (options.format === 'verbose_json' && options.granularities.includes('word'))
            checkWords(model, 'timestamp_granularities');
          const hearing = { channel, prompt, language: options.language };
          const hear = async (onSegment?: OnSegment): Promise<Heard> => {
            const { client } = request;
            const heard = await transcriber.hear({ model, path, sha256, hearing, client, signal, onSegment });
            metrics.transcribed((performance.now() - started) / 1000, heard.transcript.audioS);
            return heard;
          };
          if (stream) return await sendEvents(reply, hear);
          const { type, body } = answerOf((await hear()).transcript, options);
          return reply.type(type).send(body);
        } finally {
          await folder.remove(path);
        }
      },
    });
  });
}

/**
 * Sends a transcript as it comes about, as server-sent events. What goes wrong before the first is an answer like any other; after it,
 * an event, which OpenAI's clients throw.
 */
async function sendEvents(reply: FastifyReply, hear: (onSegment: OnSegment) => Promise<Heard>): Promise<FastifyReply> {
  const events = new PassThrough();
  const text = new TextStream();
  const send = (event: unknown): void => void events.write(`data: ${JSON.stringify(event)}\n\n`);
  const tell = (delta: string): void => {
    if (delta !== '') send({ type: 'transcript.text.delta', delta });
  };
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const heard = hear((_segment, soFar) => {
    tell(text.grow(soFar));
    begin();
  });
  const ended = heard.then(
    ({ transcript }) => {
      tell(text.end(transcript.text));
      const usage = { type: 'duration', seconds: transcript.audioS };
      send({ type: 'transcript.text.done', text: transcript.text, usage });
      events.end();
    },
    (error: unknown) => {
      send(refusalOf(error).body);
      events.end();
    },
  );
  // Rejects where nothing has been heard yet: the status is not sent then.
  await Promise.race([begun, heard]);
  void reply.type('text/event-stream; charset=utf-8').send(events);
  // The file is needed to the end.
  await ended;
  return reply;
}

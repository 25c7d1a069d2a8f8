import type { FastifyInstance } from 'fastify';
import { DESCRIBED } from '../answers/described.js';
import { BusyError, RequestError } from '../answers/refusal.js';
import { isLoopback } from '../guard/hosts.js';
import type { ServedModel } from '../models.js';
import type { Service } from './route.js';

/** A model as OpenAI's interface lists it, and its card. */
function shown({ id, created, sizeBytes, model }: ServedModel): Record<string, unknown> {
  return { id, object: 'model', created, owned_by: 'quantlab', title: model.card.title, size_bytes: sizeBytes };
}

/** `GET /v1/models`, `GET /v1/models/NAME`, and `POST /admin/reload`. */
export function addModels(app: FastifyInstance, { transcriber, reload }: Service): void {
  app.get(
    '/v1/models',
    { config: { described: DESCRIBED.models }, schema: { summary: 'The models that can be asked for' } },
    () => {
      return { object: 'list', data: transcriber.models.all.map(shown) };
    },
  );
  app.get<{ Params: { model: string } }>(
    '/v1/models/:model',
    {
      config: { described: DESCRIBED.model },
      schema: { summary: 'One of them', params: { type: 'object', properties: { model: { type: 'string' } } } },
    },
    (request) => shown(transcriber.models.get(request.params.model)),
  );
  app.post(
    '/admin/reload',
    { config: { described: DESCRIBED.reload }, schema: { summary: 'Reads the models anew; from this machine only' } },
    async (request) => {
      if (!isLoopback(request.socket.remoteAddress ?? '')) {
        const wrong = { status: 403, code: 'not_from_here' };
        throw new RequestError(
          'reload: a request from this machine was required, got one from another; ask there',
          wrong,
        );
      }
      try {
        return { changed: await reload() };
      } catch (cause) {
        const message =
          'reload: models that can be loaded were required, got another, which the log names; those before go on';
        throw new BusyError(message, { status: 500, code: 'not_loaded' }, { cause });
      }
    },
  );
}

// What /openapi.json says is what is asked and answered; Schemathesis holds them to each other at length: bench/service.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAKE, type Started, startService } from './start.js';

const KEY = 'a-key-of-more-than-sixteen-letters';

// biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
type Json = any;

let started: Started;
let described: Json;

beforeAll(async () => {
  started = await startService({ workerPath: FAKE, keys: [KEY] });
  described = await ask('/openapi.json');
}, 60_000);

afterAll(async () => await started.service.close(), 60_000);

async function ask(path: string, body?: string | FormData): Promise<Json> {
  const headers = { authorization: `Bearer ${KEY}` };
  return await (await fetch(started.url + path, { headers, ...(body && { method: 'POST', body }) })).json();
}

function answerOf(path: string, method: string): Json {
  return described.paths[path][method].responses['200'].content['application/json'].schema;
}

function form(fields: Readonly<Record<string, string>>): FormData {
  const data = new FormData();
  data.set('file', new Blob(['what was said']), 'said.wav');
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

it.each([
  ['/healthz', 'get', undefined],
  ['/readyz', 'get', undefined],
  ['/v1/models', 'get', undefined],
  ['/transcribe', 'post', 'what was said'],
] as const)('%s answers with what is described', async (path, method, body) => {
  const answer = await ask(path, body);
  const { required, properties } = answerOf(path, method);
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(answer)));
  expect(Object.keys(answer)).toEqual(expect.arrayContaining(required));
});

it('describes the form and each of its answers', async () => {
  const { requestBody } = described.paths['/v1/audio/transcriptions'].post;
  expect(requestBody.content['multipart/form-data'].schema.required).toEqual(['file']);
  const [short, verbose] = answerOf('/v1/audio/transcriptions', 'post').anyOf;
  const path = '/v1/audio/transcriptions';
  expect(Object.keys(short.properties)).toEqual(Object.keys(await ask(path, form({}))));
  const answer = await ask(path, form({ response_format: 'verbose_json' }));
  expect(Object.keys(verbose.properties)).toEqual(expect.arrayContaining(Object.keys(answer)));
  for (const temperature of ['', ' ', '2']) {
    expect(await ask(path, form({ temperature }))).toMatchObject({ error: { param: 'temperature' } });
  }
});

it('says which need a key, and what a refusal looks like', async () => {
  expect(described.security).toEqual([{ key: [] }]);
  expect(described.paths['/healthz'].get.security).toEqual([]);
  const refusal = described.paths['/transcribe'].post.responses['4XX'].content['application/json'].schema;
  const { error } = (await (await fetch(`${started.url}/v1/models`)).json()) as Json;
  expect(Object.keys(refusal.properties.error.properties)).toEqual(Object.keys(error));
});

it('refuses a method that no route has, even one that asks for a body of a kind', async () => {
  const headers = { authorization: `Bearer ${KEY}` };
  for (const method of ['QUERY', 'PUT', 'DELETE']) {
    const answer = await fetch(`${started.url}/healthz`, { method, headers });
    expect([answer.status, answer.headers.get('allow')], method).toEqual([405, 'GET, HEAD']);
  }
});

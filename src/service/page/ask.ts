/** A model that the service lists. */
export interface ListedModel {
  readonly id: string;
  readonly title: string;
  readonly size_bytes: number;
}

/** What of an answer of `POST /transcribe` is shown. */
export interface Answer {
  readonly text: string;
  readonly audioS: number;
  readonly computeMs: number;
  readonly cached: boolean;
}

/** The service refused, and said why. */
export class Refused extends Error {
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** Asks for the models. */
export async function listModels(key: string): Promise<readonly ListedModel[]> {
  const { data } = (await ask('v1/models', key)) as { readonly data: readonly ListedModel[] };
  return data;
}

/** Has a recording heard by one model. */
export async function transcribe(model: string, sound: Blob, key: string, signal: AbortSignal): Promise<Answer> {
  const path = `transcribe?${new URLSearchParams({ model })}`;
  return (await ask(path, key, { method: 'POST', body: sound, signal })) as Answer;
}

/** Addresses are relative: a proxy may have put the service below a path. */
async function ask(path: string, key: string, request: RequestInit = {}): Promise<unknown> {
  const headers: Record<string, string> = key === '' ? {} : { authorization: `Bearer ${key}` };
  const answer = await fetch(path, { ...request, headers }).catch((error: unknown) => {
    if ((error as Error).name === 'AbortError') throw error;
    throw new Refused('The service does not answer.', 0);
  });
  const body = (await answer.json().catch(() => null)) as { readonly error?: { readonly message: string } } | null;
  if (answer.ok && body !== null) return body;
  throw new Refused(body?.error?.message ?? `The service answered with ${answer.status}.`, answer.status);
}

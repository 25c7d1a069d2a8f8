import { fileURLToPath } from 'node:url';
import type { ServiceOptions } from '../../src/service/options.js';
import { TranscriptionService } from '../../src/service/service.js';

/** Stands in for the transcribing process: the bytes of a recording say what happens. */
export const FAKE: string = fileURLToPath(new URL('../fixtures/service/fakeWorker.mjs', import.meta.url));

/** Recordings of the package. */
export const AUDIO: string = fileURLToPath(new URL('../../data/speech/audio/', import.meta.url));

/** A service on a free port. */
export interface Started {
  readonly service: TranscriptionService;
  readonly url: string;
}

/** Starts one process of the shipped model behind a service. */
export async function startService(options: Partial<ServiceOptions> = {}): Promise<Started> {
  const service = await TranscriptionService.start({
    ...{ models: ['deepspeech2-lstm'], workers: 1, threads: 1 },
    ...options,
  });
  return { service, url: `http://127.0.0.1:${await service.listen(0)}` };
}

/** The value of a metric. */
export async function metricAt(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

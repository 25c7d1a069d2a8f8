import { basename, extname } from 'node:path';
import { didYouMean, InputError } from '../errors.js';
import type { DecoderOptions } from '../recognise/kinds/kind.js';
import { modelSha256, modelSizeBytes, type ResolvedModel } from '../recognise/model.js';
import { describeDecoder } from '../recognise/recognizer.js';
import { resolveModel } from '../recognise/registry/registry.js';
import { RequestError } from './answers/refusal.js';

/** A model that can be asked for. A file that was changed is another one. */
export interface ServedModel {
  /** The name that it is asked for by. */
  readonly id: string;
  readonly model: ResolvedModel;
  /** Of its files. */
  readonly sha256: string;
  /** Whether it tells when each word was said. */
  readonly tellsWords: boolean;
  /** Tells decoders apart that may give other texts. */
  readonly decoderKey: string;
  readonly sizeBytes: number;
  /** When it was opened, in seconds since 1970. */
  readonly created: number;
}

/** Names of OpenAI's own models, which programs have built in: they mean the first model here. */
const OPENAI_NAMES = new Set(['whisper-1', 'gpt-4o-transcribe', 'gpt-4o-mini-transcribe', 'gpt-realtime']);

/** The models of a service, by the names that they are asked for by. */
export class Models {
  readonly #names: readonly string[];
  readonly #decoder: DecoderOptions;
  #models: ReadonlyMap<string, ServedModel>;

  private constructor(names: readonly string[], decoder: DecoderOptions, models: ReadonlyMap<string, ServedModel>) {
    this.#names = names;
    this.#decoder = decoder;
    this.#models = models;
  }

  /**
   * Finds models.
   *
   * @param names - ids or paths, at least one
   * @param decoder - how all of them make texts
   * @throws {InputError} when there is no such model, a file is bad, or two have one name
   */
  static async open(names: readonly string[], decoder: DecoderOptions): Promise<Models> {
    return new Models(names, decoder, await openAll(names, decoder, new Map()));
  }

  /** All, in the order in which they were named. */
  get all(): readonly ServedModel[] {
    return [...this.#models.values()];
  }

  /** The one that is meant where none is named. */
  get first(): ServedModel {
    return this.all[0] as ServedModel;
  }

  /**
   * The model of a name.
   *
   * @param name - of a model here, or one of OpenAI's own: the first, as when it is left out
   * @throws {RequestError} when there is none
   */
  get(name: string | undefined): ServedModel {
    const found = name === undefined || name === '' ? this.first : this.#models.get(name);
    if (found !== undefined) return found;
    if (OPENAI_NAMES.has(name as string)) return this.first;
    const known = [...this.#models.keys()];
    const message = `model: one of ${known.join(', ')} was required, got ${JSON.stringify(name)}; choose one`;
    throw new RequestError(`${message} ${didYouMean(name as string, known)}`.trimEnd(), {
      ...{ status: 404, code: 'model_not_found', param: 'model' },
    });
  }

  /**
   * Reads the models that were named anew. Nothing changes before {@link Models.replace}.
   *
   * @returns all, those whose files are the same as before unchanged
   * @throws {InputError} when a file is bad
   */
  async read(): Promise<ReadonlyMap<string, ServedModel>> {
    return await openAll(this.#names, this.#decoder, this.#models);
  }

  /** Answers with other models from now on. */
  replace(models: ReadonlyMap<string, ServedModel>): void {
    this.#models = models;
  }
}

async function openAll(
  names: readonly string[],
  decoder: DecoderOptions,
  before: ReadonlyMap<string, ServedModel>,
): Promise<ReadonlyMap<string, ServedModel>> {
  const models = new Map<string, ServedModel>();
  for (const name of names) {
    const model = await resolveModel(name);
    const [sha256, sizeBytes] = await Promise.all([modelSha256(model), modelSizeBytes(model)]);
    // Two variants may have been given one card: the file tells them apart.
    const id = models.has(model.card.id) ? basename(model.path, extname(model.path)) : model.card.id;
    if (models.has(id)) {
      throw new InputError(`models: different names were required, got ${id} twice; give one of them another card`);
    }
    const old = before.get(id);
    const isSame = old?.sha256 === sha256 && JSON.stringify(old.model) === JSON.stringify(model);
    const created = Math.floor(Date.now() / 1000);
    models.set(
      id,
      isSame && old !== undefined
        ? old
        : { id, model, sha256, sizeBytes, created, ...(await decoderOf(model, decoder)) },
    );
  }
  return models;
}

async function decoderOf(
  { card }: ResolvedModel,
  decoder: DecoderOptions,
): Promise<Pick<ServedModel, 'decoderKey' | 'tellsWords'>> {
  const { key: decoderKey, tellsWords } = await describeDecoder(card, decoder);
  return { decoderKey, tellsWords };
}

/**
 * Refuses to say when words were said where the model does not tell.
 *
 * @param param - of the request
 * @throws {RequestError} when it does not
 */
export function checkWords({ id, tellsWords }: ServedModel, param: string): void {
  if (tellsWords) return;
  const message = `${param}: segments were required of ${id}, which does not tell when each word was said, got words; ask without them`;
  throw new RequestError(message, { status: 400, code: 'invalid_value', param });
}

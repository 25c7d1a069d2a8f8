import { ctcLoss, spellerOf } from '../../../speech/decode/ctcLoss.js';
import { createFrontEnd } from '../../../speech/features/features.js';
import type { Audio, Decoding, FeatureExtractor, Features } from '../../../speech/types.js';
import type { ResolvedModel } from '../../model.js';
import type { ModelSession } from '../../session/modelSession.js';
import { openGraph } from '../../session/openGraph.js';
import type { ExecutionProvider } from '../../session/session.js';
import type { BatchRecognition, Decoder, Guide, Recognition, Recognizer, RecognizerOptions, Stages } from '../kind.js';
import type { CtcCard } from './card.js';
import { createDecoder } from './decoder.js';
import { GraphTensors } from './graphTensors.js';
import { hotWordsOf } from './hotWords.js';
import type { LogProbabilities } from './outputTensors.js';

/** A front end, a session and a decoder of log-probabilities. */
export class CtcRecognizer implements Recognizer {
  readonly card: CtcCard;
  readonly executionProvider: ExecutionProvider;
  readonly stages: Stages;
  readonly #session: ModelSession;
  readonly #tensors: GraphTensors;
  readonly #frontEnd: FeatureExtractor;
  readonly #decoder: Decoder;
  readonly #options: RecognizerOptions;
  readonly #clock: () => number;

  private constructor(
    card: CtcCard,
    session: ModelSession,
    tensors: GraphTensors,
    frontEnd: FeatureExtractor,
    decoder: Decoder,
    options: RecognizerOptions,
  ) {
    this.card = card;
    this.executionProvider = options.executionProvider ?? 'cpu';
    const spell = spellerOf(card.labels);
    this.stages = {
      features: (audio) => frontEnd.compute(audio),
      infer: async (features) => await this.#infer(features),
      decode: (scores) => decoder.decode(scores),
      createDecoder: async (other) => await createDecoder(card, other),
      lossOf: ({ data, steps }, text) => {
        const sequence = spell(text);
        if (sequence === null) return null;
        const nats = ctcLoss(data, steps, sequence, card.labels.length, card.blank);
        return Number.isFinite(nats) ? { nats, frames: steps } : null;
      },
    };
    this.#frontEnd = frontEnd;
    this.#decoder = decoder;
    this.#options = options;
    this.#session = session;
    this.#tensors = tensors;
    this.#clock = options.clock ?? (() => performance.now());
  }

  /** Loads a model; see `Recognizer.load`. */
  static async load(
    { card, graphs }: ResolvedModel & { readonly card: CtcCard },
    options: RecognizerOptions = {},
  ): Promise<CtcRecognizer> {
    const { decoder, clock: _, ...rest } = options;
    const session = await openGraph(graphs['model'] as string, rest);
    try {
      const tensors = new GraphTensors(card, session);
      const frontEnd = await createFrontEnd(card.frontEnd);
      return new CtcRecognizer(card, session, tensors, frontEnd, await createDecoder(card, decoder), options);
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  get warnings(): readonly string[] {
    return this.#decoder.warnings;
  }

  get decoderKey(): string {
    return this.#decoder.key;
  }

  get longestS(): number | undefined {
    return this.#tensors.longestS;
  }

  async recognize(audio: Audio): Promise<Recognition> {
    const { decodings, audioS, timing } = await this.recognizeBatch([audio]);
    return { ...(decodings[0] as Decoding), audioS, timing };
  }

  /**
   * Shorter recordings are padded with zeros after the front end, which changes nothing for a network that masks by length (within
   * 1e-4 in float32). A graph that cannot tell recordings apart hears them one after the other.
   */
  async recognizeBatch(audios: readonly Audio[]): Promise<BatchRecognition> {
    const started = this.#clock();
    const features = audios.map((audio) => this.stages.features(audio));
    const featured = this.#clock();
    const scores = await this.#infer(features);
    const inferred = this.#clock();
    const decodings = scores.map((one) => this.stages.decode(one));
    const ended = this.#clock();
    return {
      decodings,
      scores,
      audioS: audios.reduce((total, { samples, sampleRateHz }) => total + samples.length / sampleRateHz, 0),
      timing: {
        totalMs: ended - started,
        featuresMs: featured - started,
        inferenceMs: inferred - featured,
        decodingMs: ended - inferred,
      },
    };
  }

  /** The words of a prompt become hot words of a beam search. The labels are of one language, whichever is named. */
  async guided({ prompt = '' }: Guide): Promise<CtcRecognizer> {
    const hotWords = hotWordsOf(prompt);
    if (Object.keys(hotWords).length === 0) return this;
    const { decoder: asked = {} } = this.#options;
    const expecting = { ...asked, kind: 'beam', hotWords: { ...hotWords, ...asked.hotWords } } as const;
    const decoder = await createDecoder(this.card, { ...expecting, wordTimes: true });
    return new CtcRecognizer(this.card, this.#session, this.#tensors, this.#frontEnd, decoder, this.#options);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }

  async #infer(features: readonly Features[]): Promise<readonly LogProbabilities[]> {
    if (this.#tensors.takesBatches || features.length <= 1) return await this.#run(features);
    const outputs: LogProbabilities[] = [];
    for (const one of features) outputs.push(...(await this.#run([one])));
    return outputs;
  }

  async #run(features: readonly Features[]): Promise<LogProbabilities[]> {
    const outputs = await this.#session.run(this.#tensors.feeds(features), this.#tensors.outputs);
    return this.#tensors.read(
      outputs,
      features.map(({ frames }) => frames),
    );
  }
}

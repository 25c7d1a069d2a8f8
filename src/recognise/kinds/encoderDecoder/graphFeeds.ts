import type { Tensor } from '../../../runtime.js';
import type { Audio } from '../../../speech/types.js';
import type { ResolvedModel } from '../../model.js';
import { type LoadedGraph, requireNames } from '../../session/modelSession.js';
import type { GraphFeeds } from '../kind.js';
import type { EncoderDecoderCard } from './card.js';
import type { RunnableGraph } from './graphs.js';
import { WindowHearer } from './hearWindow.js';
import { openGraphs } from './openGraphs.js';
import { openSpeech } from './openSpeech.js';

type Feeds = Readonly<Record<string, Tensor>>;

/**
 * What a graph reads while the model writes down the beginning of a recording, greedily: the encoder once, the decoder at each
 * step, all that it has kept included.
 *
 * @param loaded - the graph, or one that was made from it: it must read the same
 */
export async function openGraphFeeds(
  model: ResolvedModel & { readonly card: EncoderDecoderCard },
  graph: string,
  loaded: LoadedGraph,
): Promise<GraphFeeds> {
  let read: Feeds[] = [];
  const readAlong = (name: string, own: RunnableGraph): RunnableGraph => {
    if (name !== graph) return own;
    requireNames(
      loaded.path,
      'inputs',
      loaded.inputs,
      own.inputs.map((input) => input.name),
    );
    return {
      path: own.path,
      inputs: own.inputs,
      outputs: own.outputs,
      run: async (feeds, outputs) => {
        read.push(feeds);
        return await own.run(feeds, outputs);
      },
      release: async () => await own.release(),
    };
  };
  const parts = await openSpeech(
    model,
    async () => await openGraphs(model, {}, readAlong),
    () => performance.now(),
  );
  const { windowS } = model.card;
  return {
    async *of({ samples, sampleRateHz }: Audio) {
      const sound = { samples: samples.subarray(0, Math.round(windowS * sampleRateHz)), sampleRateHz };
      read = [];
      const options = { language: undefined, timestamps: false, fallBack: false, frames: parts.windowFrames };
      await new WindowHearer(parts).hear([sound], options);
      yield* read;
    },
    release: async () => await parts.graphs.release(),
  };
}

import type { ResolvedModel } from '../../model.js';
import { openGraph } from '../../session/openGraph.js';
import type { RecognizerOptions } from '../kind.js';
import type { EncoderDecoderCard } from './card.js';
import type { RunnableGraph, SpeechGraphs } from './graphs.js';
import { OptimumGraphs } from './optimumGraphs.js';
import { OwnGraphs } from './ownGraphs.js';

/**
 * Opens the graphs of a model.
 *
 * @param before - puts something before a graph, by its name: who reads along. Default: nothing
 * @throws {InputError} when a file cannot be loaded, or its tensors are not those of the layout
 * @throws {UnavailableError} when the execution provider does not exist on this machine
 */
export async function openGraphs(
  { card, graphs }: ResolvedModel & { readonly card: EncoderDecoderCard },
  options: Omit<RecognizerOptions, 'decoder' | 'clock'>,
  before: (name: string, graph: RunnableGraph) => RunnableGraph = (_, graph) => graph,
): Promise<SpeechGraphs> {
  const opened: RunnableGraph[] = [];
  const open = async (name: string): Promise<RunnableGraph> => {
    const graph = before(name, await openGraph(graphs[name] as string, options));
    opened.push(graph);
    return graph;
  };
  try {
    const encoder = await open('encoder');
    const decoder = await open('decoder');
    if (card.layout !== 'optimum') return new OwnGraphs(encoder, decoder);
    return new OptimumGraphs(encoder, decoder, graphs['decoderWithPast'] ? await open('decoderWithPast') : decoder);
  } catch (error) {
    for (const graph of opened) await graph.release();
    throw error;
  }
}

import { defaultThreads } from '../measure/machine/environment.js';
import { SET_BYTES } from '../measure/machine/hardware.js';
import { listModels } from '../recognise/registry/registry.js';
import { type LaboratoryProtocol, TOPICS, type TopicProtocols } from './laboratory.js';
import { RECIPES } from './laboratoryMeasures.js';
import { DEFAULT_MODEL, DEFAULT_PROTOCOL, type ExperimentPlan, languageModelFor } from './plan.js';
import { type Condition, NO_RECIPE } from './schema.js';

/** How much the laboratory measures: each topic, and each variant of each model as in the experiment, with fewer trials. */
interface Extent {
  readonly topics: TopicProtocols;
  readonly variants: Required<Pick<ExperimentPlan, 'latencyTrials' | 'throughputTrials' | 'resources' | 'starts'>>;
}

const EXTENTS: Readonly<Record<'full' | 'short', Extent>> = {
  /** Some minutes on two cores. */
  full: {
    topics: {
      hardware: { kernelRuns: 10, modelRuns: 30, setBytes: SET_BYTES },
      throughput: { utterances: 32, batchSizes: [1, 4, 16], rounds: 3 },
      load: { boundMs: 200, requests: 200, mostRates: 8 },
      caching: { rounds: 6, requests: 150, utterances: 40, hitRates: [0, 0.5, 0.9, 1] },
      sensitivity: { utterances: 4, calibrationUtterances: 16 },
    },
    // Where energy is estimated it is time once more, and where it is measured it takes longer than all else: the experiment tells of it.
    variants: { starts: 5, latencyTrials: 60, throughputTrials: 10, resources: { memoryRuns: 5 } },
  },
  /** Enough to see every part work, too little to conclude from. */
  short: {
    topics: {
      hardware: { kernelRuns: 2, modelRuns: 3, setBytes: [2 ** 20, 64 * 2 ** 20] },
      throughput: { utterances: 4, batchSizes: [2], rounds: 1 },
      load: { boundMs: 200, requests: 130, mostRates: 2 },
      caching: { rounds: 2, requests: 20, utterances: 10, hitRates: [0, 1] },
      sensitivity: { utterances: 1, calibrationUtterances: 2 },
    },
    variants: { starts: 1, latencyTrials: 5, throughputTrials: 1, resources: { memoryRuns: 2 } },
  },
};

/** What a plan of the laboratory can have: topics, and the variants of all models. */
export const LABORATORY_PARTS: readonly [...typeof TOPICS, 'variants'] = [...TOPICS, 'variants'];

/** One of {@link LABORATORY_PARTS}. */
export type LaboratoryPart = (typeof LABORATORY_PARTS)[number];

/**
 * The plan of what the write-up tells besides the experiment.
 *
 * @param parts - what is measured. Default: all
 */
export async function laboratoryPlan(
  extent: keyof typeof EXTENTS = 'full',
  parts: readonly LaboratoryPart[] = LABORATORY_PARTS,
): Promise<ExperimentPlan> {
  const { topics, variants } = EXTENTS[extent];
  const wanted = TOPICS.filter((topic) => parts.includes(topic)).map((topic) => [topic, topics[topic]] as const);
  const laboratory: LaboratoryProtocol = { model: DEFAULT_MODEL, ...Object.fromEntries(wanted) };
  return {
    ...DEFAULT_PROTOCOL,
    ...languageModelFor(DEFAULT_PROTOCOL.manifest),
    ...variants,
    ...(wanted.length > 0 && { laboratory }),
    conditions: parts.includes('variants') ? await allVariants() : [],
  };
}

/** The variants of all shipped models. */
async function allVariants(): Promise<readonly Condition[]> {
  const threads = await defaultThreads();
  return (await listModels()).flatMap(({ id }): Condition[] =>
    RECIPES.map(([title, recipe]) => ({
      id: `${id}.${recipe === NO_RECIPE ? 'float32' : recipe}`,
      title: `${id}, ${title.replace('CPU ', '')}`,
      model: id,
      recipe,
      device: 'cpu',
      threads,
    })),
  );
}

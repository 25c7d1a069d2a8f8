import { defaultThreads } from '../measure/machine/environment.js';
import { SET_BYTES } from '../measure/machine/hardware.js';
import { type LaboratoryProtocol, TOPICS, type TopicProtocols } from './laboratory.js';
import { DEFAULT_MODEL, DEFAULT_PROTOCOL, type ExperimentPlan, languageModelFor, SECOND_MODEL } from './plan.js';
import { type Condition, NO_RECIPE } from './schema.js';

/** How much the laboratory measures: each topic, and each variant of each model as in the experiment, with fewer trials. */
interface Extent {
  readonly topics: TopicProtocols;
  readonly variants: Required<Pick<ExperimentPlan, 'latencyTrials' | 'throughputTrials' | 'resources' | 'starts'>>;
  /** Of the variants' recipes. Default: all. */
  readonly recipes?: readonly string[];
}

const EXTENTS: Readonly<Record<'full' | 'short', Extent>> = {
  /** Some minutes on two cores. */
  full: {
    topics: {
      hardware: { kernelRuns: 10, modelRuns: 30, setBytes: SET_BYTES },
      throughput: { utterances: 32, batchSizes: [1, 4, 16], rounds: 3 },
      load: { boundMs: 200, requests: 150, mostRates: 8, serviceStarts: 6 },
      caching: { rounds: 6, requests: 150, utterances: 40, hitRates: [0, 0.5, 0.9, 1] },
      sensitivity: { utterances: 4, calibrationUtterances: 16 },
    },
    // Where energy is estimated it is time once more, and where it is measured it takes longer than all else: the experiment tells of it.
    variants: { starts: 5, latencyTrials: 60, throughputTrials: 10, resources: { memoryRuns: 5 } },
  },
  /** Enough to see every part work, too little to conclude from. Calibrated variants, which take long to make, are left to the topics. */
  short: {
    recipes: [NO_RECIPE, 'float16', 'dynamic'],
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
  const { topics, variants, recipes }: Extent = EXTENTS[extent];
  const wanted = TOPICS.filter((topic) => parts.includes(topic)).map((topic) => [topic, topics[topic]] as const);
  const laboratory: LaboratoryProtocol = { model: DEFAULT_MODEL, ...Object.fromEntries(wanted) };
  return {
    ...DEFAULT_PROTOCOL,
    ...languageModelFor(DEFAULT_PROTOCOL.manifest),
    ...variants,
    ...(wanted.length > 0 && { laboratory }),
    conditions: parts.includes('variants') ? await allVariants(recipes) : [],
  };
}

/** Of which model, by which recipes, in which words: each technique alone, and what goes well together. The first is what others are compared with. */
const VARIANTS: readonly (readonly [
  model: string,
  name: string,
  recipes: readonly (readonly [title: string, recipe: string])[],
])[] = [
  [
    DEFAULT_MODEL,
    'LSTM',
    [
      ['float32', NO_RECIPE],
      ['half precision', 'float16'],
      ['int8', 'dynamic'],
      ['int8 hybrid', 'hybrid'],
      ['4 bits', 'bits-4'],
      ['10 % fewer units', 'units-10'],
      ['25 % fewer units', 'units-25'],
      ['two factors', 'factors-95'],
      ['10 % fewer units, int8', 'units-10-int8'],
      ['two factors, int8', 'factors-95-int8'],
      ['half zeros, int8', 'zeros-50-int8'],
    ],
  ],
  [
    'deepspeech2-student-mel',
    'student',
    [
      ['float32', NO_RECIPE],
      ['int8', 'dynamic'],
    ],
  ],
  [
    SECOND_MODEL,
    'Whisper-CTC',
    [
      ['float32', NO_RECIPE],
      ['int8', 'dynamic'],
      ['int8 hybrid', 'hybrid'],
    ],
  ],
];

/** Models that learned from another are compared with that. */
const TEACHERS: Readonly<Record<string, string>> = { 'deepspeech2-student-mel': DEFAULT_MODEL };

/** The variants that the write-up compares, or those of some recipes. */
async function allVariants(wanted: readonly string[] | undefined): Promise<readonly Condition[]> {
  const threads = await defaultThreads();
  return VARIANTS.flatMap(([model, name, all]) => {
    const recipes = all.filter(([, recipe]) => wanted?.includes(recipe) ?? true);
    return recipes.map(([title, recipe]): Condition => {
      const teacher = TEACHERS[model];
      return {
        id: idOf(model, recipe),
        title: `${name}, ${title}`,
        model,
        recipe,
        device: 'cpu',
        threads,
        ...(teacher !== undefined && { base: idOf(teacher, NO_RECIPE) }),
      };
    });
  });
}

function idOf(model: string, recipe: string): string {
  return `${model}.${recipe === NO_RECIPE ? 'float32' : recipe}`;
}

import { z } from 'zod';
import type { MemoryStages } from '../measure/memory/memory.js';
import type { Dtype } from '../onnx/tensor/dtype.js';
import type { ProcessMemory } from '../process/processMemory.js';
import { NORMALISER_NAMES } from '../speech/text/normaliser.js';
import type { LaboratoryProtocol, LaboratoryResults } from './laboratory.js';
import { LIMITS } from './limits.js';
import type {
  Condition,
  ConditionInputs,
  EnergyRecord,
  Environment,
  Estimate,
  MemoryRecord,
  Observation,
  Outcome,
  Protocol,
  RunRecord,
  Shard,
  ShardRecord,
} from './schema.js';
import { RESULTS_SCHEMA } from './schema.js';

const count: z.ZodNumber = z.number().int().nonnegative();
const duration: z.ZodNumber = z.number().nonnegative();
const trials: z.ZodNumber = count.max(LIMITS.trials);
const texts: z.ZodType<readonly string[]> = z.array(z.string()).max(LIMITS.batchSize);

const conditionSchema: z.ZodType<Condition> = z.object({
  id: z.string(),
  title: z.string(),
  model: z.string(),
  recipe: z.string().min(1),
  device: z.enum(['cpu', 'gpu']),
  threads: count,
  base: z.string().optional(),
});

const protocolSchema: z.ZodType<Protocol> = z.object({
  manifest: z.string(),
  manifestSha256: z.string(),
  latencyTrials: trials,
  throughputTrials: trials,
  batchSize: count.max(LIMITS.batchSize),
  warmUpRuns: z.object({ gpu: count, cpu: count }),
  seed: z.number().int(),
  starts: count.min(1).max(LIMITS.starts).optional(),
  accuracy: z.boolean().optional(),
  normaliser: z.enum(NORMALISER_NAMES).optional(),
  languageModel: z.string().optional(),
  languageModelSha256: z.string().optional(),
  resources: z.object({ memoryRuns: count, energyTrials: count.optional(), streamPasses: count.optional() }).optional(),
  laboratory: (z.looseObject({ model: z.string() }) as z.ZodType<LaboratoryProtocol>).optional(),
});

export const environmentSchema: z.ZodType<Environment> = z.object({
  cpu: z.string(),
  physicalCores: count.nullable(),
  logicalCores: count,
  instructionSets: z.array(z.string()),
  memoryBytes: count,
  platform: z.string(),
  node: z.string(),
  packages: z.record(z.string(), z.string()),
  commit: z.string().nullable(),
  loadBefore: z.number(),
  load: z.object({
    lastMinute: z.number(),
    cpuPressure: z.number().nullable(),
    memoryPressure: z.number().nullable(),
    ioPressure: z.number().nullable(),
    warning: z.string().nullable(),
  }),
  frequency: z
    .object({
      governors: z.array(z.string()),
      driver: z.string().nullable(),
      minimumHz: z.number().nullable(),
      maximumHz: z.number().nullable(),
      boost: z.boolean().nullable(),
    })
    .nullable(),
  confinement: z.object({
    hypervisor: z.string().nullable(),
    container: z.string().nullable(),
    cpuLimit: z.number().nullable(),
    memoryLimitBytes: z.number().nullable(),
  }),
});

const memoryStageSchema: z.ZodType<ProcessMemory> = z.object({
  residentBytes: count,
  peakBytes: count,
  proportionalBytes: count.nullable(),
  anonymousBytes: count.nullable(),
});

const memoryStagesSchema: z.ZodType<MemoryStages> = z.object({
  arena: z.boolean(),
  baseline: memoryStageSchema,
  loaded: memoryStageSchema,
  afterRuns: memoryStageSchema,
});

const memorySchema: z.ZodType<MemoryRecord> = z.object({
  size: z.object({
    sizeBytes: count,
    gzipBytes: count,
    values: count,
    types: z.array(z.object({ dtype: z.string() as unknown as z.ZodType<Dtype>, values: count, sizeBytes: count })),
  }),
  threads: count,
  runs: count,
  withArena: memoryStagesSchema,
  starts: z.array(memoryStagesSchema).optional(),
  withoutArena: memoryStagesSchema,
});

const estimateSchema: z.ZodType<Estimate> = z.object({ value: z.number(), low: z.number(), high: z.number() });

const energySchema: z.ZodType<EnergyRecord> = z.object({
  threads: count,
  trials: count,
  source: z.object({
    method: z.enum(['rapl', 'nvidia-smi', 'powermetrics', 'rated-power', 'constant']),
    estimated: z.boolean(),
    scope: z.string(),
    citation: z.string().nullable(),
  }),
  joulesPerUtterance: estimateSchema,
  joulesPerAudioS: estimateSchema,
  netJoulesPerUtterance: estimateSchema.nullable(),
  meanW: z.number(),
  busyProcessors: z.number(),
  idleW: z.number().nullable(),
  comparison: z.object({ base: z.string(), ratio: estimateSchema }).optional(),
});

const outcomeSchema: z.ZodType<Outcome> = z.union([
  z.object({
    status: z.literal('measured'),
    executionProvider: z.string(),
    loadMs: z.number(),
    firstRunMs: z.number(),
    coldStarts: z.array(z.object({ loadMs: z.number(), firstRunMs: z.number() })).optional(),
    sizeBytes: count,
    codedBytes: count.optional(),
    modelSha256: z.string(),
    harnessOverhead: z.number().optional(),
    placement: z.object({ onDevice: count, onCpu: count }).optional(),
    memory: memorySchema.nullable().optional(),
    energy: energySchema.nullable().optional(),
    streams: z.object({ streams: count, threads: count, audioSPerS: z.array(z.number()) }).optional(),
  }),
  z.object({ status: z.enum(['skipped', 'failed']), reason: z.string() }),
]);

const shardSchema: z.ZodType<Shard> = z
  .object({ index: count.min(1), count: count.min(1).max(LIMITS.shards) })
  .refine(({ index, count }) => index <= count, 'an index up to the count');

const inputsSchema: z.ZodType<ConditionInputs> = z.object({
  modelSha256: z.string(),
  recipeSha256: z.string().nullable(),
  variantSha256: z.string(),
});

const shardRecordSchema: z.ZodType<ShardRecord> = z.object({
  shard: shardSchema,
  startedAt: z.string(),
  finishedAt: z.string(),
  environment: environmentSchema,
  observationsSha256: z.string(),
});

/** `run.json`, as it comes from outside. */
export const runRecordSchema: z.ZodType<RunRecord> = z.object({
  schema: z.literal(RESULTS_SCHEMA),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  protocol: protocolSchema,
  conditions: z
    .array(conditionSchema)
    .max(LIMITS.conditions)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'each id once'),
  environment: environmentSchema,
  outcomes: z.record(z.string(), outcomeSchema),
  inputs: z.record(z.string(), inputsSchema),
  // What is inside, our own writer has checked.
  laboratory: (z.looseObject({}) as z.ZodType<LaboratoryResults>).optional(),
  turns: z.enum(['stopped', 'paused']),
  timingVersion: count,
  shard: shardSchema.optional(),
  shards: z.array(shardRecordSchema).max(LIMITS.shards).optional(),
});

/** A line of `observations.jsonl`, as it comes from outside. */
export const observationSchema: z.ZodType<Observation> = z.object({
  condition: z.string(),
  phase: z.enum(['latency', 'throughput', 'accuracy']),
  trial: trials,
  utterances: texts,
  audioS: duration,
  totalMs: duration,
  featuresMs: duration,
  inferenceMs: duration,
  decodingMs: duration,
  cpuMs: duration.optional(),
  texts,
  secondTexts: texts.optional(),
  losses: z.array(z.object({ nats: z.number(), frames: trials }).nullable()).optional(),
  references: texts.optional(),
  speakers: texts.optional(),
  turn: trials.optional(),
});

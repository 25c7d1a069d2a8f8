import { z } from 'zod';
import type {
  Condition,
  ConditionInputs,
  Environment,
  Observation,
  Outcome,
  Protocol,
  RunRecord,
  Shard,
  ShardRecord,
} from './schema.js';
import { RESULTS_SCHEMA } from './schema.js';

const count: z.ZodNumber = z.number().int().nonnegative();

const conditionSchema: z.ZodType<Condition> = z.object({
  id: z.string(),
  title: z.string(),
  model: z.string(),
  recipe: z.string().min(1),
  device: z.enum(['cpu', 'gpu']),
  threads: count,
});

const protocolSchema: z.ZodType<Protocol> = z.object({
  manifest: z.string(),
  manifestSha256: z.string(),
  latencyTrials: count,
  throughputTrials: count,
  batchSize: count,
  warmUpRuns: z.object({ gpu: count, cpu: count }),
  seed: z.number().int(),
});

const environmentSchema: z.ZodType<Environment> = z.object({
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
  load: z
    .object({
      lastMinute: z.number(),
      cpuPressure: z.number().nullable(),
      memoryPressure: z.number().nullable(),
      ioPressure: z.number().nullable(),
      warning: z.string().nullable(),
    })
    .optional(),
  frequency: z
    .object({
      governors: z.array(z.string()),
      driver: z.string().nullable(),
      minimumHz: z.number().nullable(),
      maximumHz: z.number().nullable(),
      boost: z.boolean().nullable(),
    })
    .nullable()
    .optional(),
  confinement: z
    .object({
      hypervisor: z.string().nullable(),
      container: z.string().nullable(),
      cpuLimit: z.number().nullable(),
      memoryLimitBytes: z.number().nullable(),
    })
    .optional(),
});

const outcomeSchema: z.ZodType<Outcome> = z.union([
  z.object({
    status: z.literal('measured'),
    executionProvider: z.string(),
    loadMs: z.number(),
    firstRunMs: z.number(),
    sizeBytes: count,
    modelSha256: z.string(),
    harnessOverhead: z.number().optional(),
    placement: z.object({ onDevice: count, onCpu: count }).optional(),
  }),
  z.object({ status: z.enum(['skipped', 'failed']), reason: z.string() }),
]);

const shardSchema: z.ZodType<Shard> = z.object({ index: count, count });

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
  conditions: z.array(conditionSchema),
  environment: environmentSchema,
  outcomes: z.record(z.string(), outcomeSchema),
  inputs: z.record(z.string(), inputsSchema).optional(),
  turns: z.enum(['stopped', 'paused']).optional(),
  shard: shardSchema.optional(),
  shards: z.array(shardRecordSchema).optional(),
});

/** A line of `observations.jsonl`, as it comes from outside. */
export const observationSchema: z.ZodType<Observation> = z.object({
  condition: z.string(),
  phase: z.enum(['latency', 'throughput', 'accuracy']),
  trial: count,
  utterances: z.array(z.string()),
  audioS: z.number(),
  totalMs: z.number(),
  featuresMs: z.number(),
  inferenceMs: z.number(),
  decodingMs: z.number(),
  cpuMs: z.number().optional(),
  texts: z.array(z.string()),
  references: z.array(z.string()).optional(),
  speakers: z.array(z.string()).optional(),
  turn: count.optional(),
});

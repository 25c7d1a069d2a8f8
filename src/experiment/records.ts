import { z } from 'zod';
import type { Condition, Environment, Observation, Outcome, Protocol, RunRecord } from './schema.js';
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

/** `run.json`, as it comes from outside. */
export const runRecordSchema: z.ZodType<RunRecord> = z.object({
  schema: z.literal(RESULTS_SCHEMA),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  protocol: protocolSchema,
  conditions: z.array(conditionSchema),
  environment: environmentSchema,
  outcomes: z.record(z.string(), outcomeSchema),
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
});

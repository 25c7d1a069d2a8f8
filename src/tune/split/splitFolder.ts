import { randomUUID } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError, QuantlabError } from '../../errors.js';
import { describeFileError, makeFolder, readJson, sha256OfFile, writeFileAtomic } from '../../files.js';
import { writeModel } from '../../onnx/file/write.js';
import type { CarriedState } from '../../onnx/split/carryStates.js';
import type { Stage } from '../../onnx/split/cutGraph.js';

const SCHEMA = 'quantlab.split/1';
const REPORT = 'split.json';

/** A stage, and the file that it is in. */
export interface SplitStage {
  readonly file: string;
  readonly sha256: string;
  /** Names of what it reads: inputs of the whole model, and values of stages before it. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: number;
  readonly weightBytes: number;
  /** What it took, run after run of all samples on one thread, the fastest; `null` where nothing was measured. */
  readonly timeMs: number | null;
  /** States that it takes up where its last run left them; only where it was split for that. */
  readonly carried?: readonly CarriedState[] | undefined;
}

/** What crosses between a stage and the next, what only later stages read included. */
export interface SplitCut {
  readonly values: readonly { readonly name: string; readonly dtype: string }[];
  /** The mean of the runs; `null` where nothing was measured. */
  readonly bytes: number | null;
}

/** `split.json`: how a model was split, and into which files. */
export interface SplitReport {
  readonly schema: typeof SCHEMA;
  /** The model that was split, as it was named. */
  readonly source: string;
  readonly sourceSha256: string;
  /** Of the whole model. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly stages: readonly SplitStage[];
  readonly cuts: readonly SplitCut[];
}

const names = z.array(z.string());

const reportSchema: z.ZodType<SplitReport> = z.strictObject({
  schema: z.literal(SCHEMA),
  source: z.string(),
  sourceSha256: z.string(),
  inputs: names,
  outputs: names,
  stages: z
    .array(
      z.strictObject({
        // Beside split.json, and nowhere else.
        file: z.string().regex(/^stage-\d+\.onnx$/),
        sha256: z.string(),
        inputs: names,
        outputs: names,
        nodes: z.number(),
        weightBytes: z.number(),
        timeMs: z.number().nullable(),
        carried: z
          .array(z.strictObject({ input: z.string(), output: z.string(), shape: z.array(z.number()) }))
          .optional(),
      }),
    )
    .min(1),
  cuts: z.array(
    z.strictObject({
      values: z.array(z.strictObject({ name: z.string(), dtype: z.string() })),
      bytes: z.number().nullable(),
    }),
  ),
});

/** A split that is to be written: stages instead of their files. */
export interface SplitParts extends Omit<SplitReport, 'schema' | 'stages'> {
  readonly stages: readonly (Pick<SplitStage, 'nodes' | 'weightBytes' | 'timeMs' | 'carried'> & {
    readonly stage: Stage;
  })[];
}

/**
 * Writes stages into a folder, which appears as a whole or not at all.
 *
 * @throws {InputError} when the folder holds something
 * @throws {UnavailableError} when it cannot be written
 */
export async function writeSplit(out: string, { stages, ...parts }: SplitParts): Promise<SplitReport> {
  await requireEmpty(out);
  const temporary = `${out.replace(/\/+$/, '')}.${randomUUID().slice(0, 8)}.partial`;
  try {
    await makeFolder(dirname(temporary));
    await makeFolder(temporary);
    const written: SplitStage[] = [];
    for (const [index, { stage, ...rest }] of stages.entries()) {
      const file = `stage-${index + 1}.onnx`;
      await writeModel(stage.model, join(temporary, file));
      const sha256 = await sha256OfFile(join(temporary, file));
      written.push({ file, sha256, inputs: stage.inputs, outputs: stage.outputs, ...rest });
    }
    const report: SplitReport = { schema: SCHEMA, ...parts, stages: written };
    await writeFileAtomic(join(temporary, REPORT), `${JSON.stringify(report, null, 2)}\n`);
    await rename(temporary, out);
    return report;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error instanceof QuantlabError ? error : describeFileError(out, error);
  }
}

async function requireEmpty(out: string): Promise<void> {
  const found = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR')
      throw new InputError(`${out}: a folder was required, got a file; choose another place`);
    throw describeFileError(out, error);
  });
  if (found.length === 0) return;
  throw new InputError(
    `${out}: a folder with nothing in it was required, got ${found[0]} in it; name another, or remove it`,
  );
}

/**
 * Reads how a model was split, and checks that its stages are there.
 *
 * @throws {InputError} when the folder is no split model, or a stage is missing or is another file than was written
 */
export async function readSplit(folder: string): Promise<SplitReport> {
  const path = join(folder, REPORT);
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  if (!isThere)
    throw new InputError(`${folder}: a folder with ${REPORT} was required, got none; \`quantlab split\` makes it`);
  const report = await readJson(path, reportSchema);
  for (const { file, sha256 } of report.stages) {
    const stage = join(folder, file);
    if ((await sha256OfFile(stage)) === sha256) continue;
    throw new InputError(`${stage}: the stage as it was written was required, got another file; split the model again`);
  }
  return report;
}

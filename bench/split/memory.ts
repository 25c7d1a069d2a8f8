/**
 * A model that is larger than the memory of a machine: 5 × LSTM 1024 with random weights (346 MB), as a whole and split, each process in a
 * control group of so much memory, as if on a machine of its own.
 *
 *     npm run bench:build
 *     node dist/bench/split/memory.js --folder WORK [--stages 4] [--mib 700,600,500,400,300]
 *
 * Takes a system with control groups (Linux), and the right to make them. It is split by weights, which runs nothing.
 */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type PipelineStage, readSplit, splitModel, withPipelines } from 'quantlab/measure';
import { buildModel } from 'quantlab/recognise';
import { madeUpSample } from './sample.js';

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    stages: { type: 'string', default: '4' },
    mib: { type: 'string', default: '700,600,500,400,300' },
  },
});
const { folder } = values;
if (folder === undefined) throw new Error('--folder: a folder for 700 MB of models was required, got none; name one');
mkdirSync(folder, { recursive: true });
const [whole, split] = [join(folder, 'lstm.onnx'), join(folder, `stages-${values.stages}`)];
if (!existsSync(whole)) await buildModel(whole, { cell: 'lstm', layers: 5, units: 1024 });
if (!existsSync(split)) await splitModel(whole, split, { stages: Number(values.stages), feedsOf: null });

const { inputs, outputs, stages } = await readSplit(split);
const sample = await madeUpSample(whole, 300);

/** Version 1 of control groups has a folder for each resource, version 2 one for all. */
const GROUPS = existsSync('/sys/fs/cgroup/memory') ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup';
const LIMIT = GROUPS.endsWith('memory') ? 'memory.limit_in_bytes' : 'memory.max';

async function runWithin(files: readonly PipelineStage[], limitBytes: number): Promise<string> {
  const groups = files.map((_, index) => join(GROUPS, `quantlab-${process.pid}-${index}`));
  for (const group of groups) {
    mkdirSync(group);
    writeFileSync(join(group, LIMIT), String(limitBytes));
  }
  const launcherOf = (index: number): readonly string[] => [
    ...['sh', '-c', `echo $$ > ${groups[index]}/cgroup.procs && exec "$0" "$@"`],
  ];
  try {
    return await withPipelines(files, { outputs, launcherOf, arena: false }, async ([pipeline]) => {
      const { totalMs } = (await pipeline?.run(sample)) ?? { totalMs: Number.NaN };
      return `runs, ${totalMs.toFixed(0)} ms`;
    });
  } catch (error) {
    return (error as Error).message.replace(/.*(stage \d+ of \d+) .*?, got (\w+).*/, '$1: $2');
  } finally {
    for (const group of groups) rmdirSync(group);
  }
}

const files = stages.map(({ file, ...names }) => ({ path: join(split, file), ...names }));
process.stdout.write(`| MiB a process | whole | ${files.length} stages |\n| --- | --- | --- |\n`);
for (const mib of values.mib.split(',').map(Number)) {
  const alone = await runWithin([{ path: whole, inputs, outputs }], mib * 2 ** 20);
  process.stdout.write(`| ${mib} | ${alone} | ${await runWithin(files, mib * 2 ** 20)} |\n`);
}

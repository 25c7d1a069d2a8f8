/**
 * Lossless coding of weights beside compressors of files: bits a weight, and what loading costs.
 *
 *     npm run bench:build && node dist/bench/coding.js [MODEL …] [--loads 7]
 *
 * MODEL: ids or `.onnx` files of one graph. Each is taken in float32, int8 (`dynamic`), with 4-bit weights (`weight-only`), and half and nine
 * tenths pruned, then int8. Bits a weight: of the whole file, for each of the network's parameters. Loading: a process of its own each time,
 * plain and coded in turns, from the file to a recogniser that can hear; medians. gzip and Brotli at quality 9, zstd at 19, which is the program, where there is one.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { Recognizer, resolveModel } from 'quantlab';
import { median, runJson } from './quantizer/processes.js';

/** What a load took. */
interface Load {
  readonly ms: number;
  readonly peakMb: number;
}

const LOAD = '--load';
const HERE = fileURLToPath(import.meta.url);
const COMMAND = fileURLToPath(new URL('../cli.js', import.meta.url));

/** Steps that make each form of the float32 model: arguments of `quantlab quantize`. */
const FORMS: readonly (readonly [form: string, steps: readonly (readonly string[])[]])[] = [
  ['float32', []],
  ['int8', [['dynamic']]],
  ['4 bits', [['weight-only']]],
  ['half pruned, int8', [['prune', '--sparsity', '0.5'], ['dynamic']]],
  ['nine tenths pruned, int8', [['prune', '--sparsity', '0.9'], ['dynamic']]],
];

if (process.argv[2] === LOAD) {
  const model = await resolveModel(process.argv[3] as string);
  const begin = performance.now();
  const recognizer = await Recognizer.load(model, { threads: 1 });
  const ms = performance.now() - begin;
  const peakMb = Number(/^VmHWM:\s*(\d+)/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1]) / 1024;
  await recognizer.release();
  process.stdout.write(JSON.stringify({ ms, peakMb } satisfies Load));
} else {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { loads: { type: 'string', default: '7' } },
  });
  const folder = await mkdtemp(join(tmpdir(), 'quantlab-coding-'));
  try {
    const head = ['model', 'MB', 'bits a weight', 'gzip', 'Brotli', 'zstd', 'coded', 'MB coded'];
    const loading = ['load ms', 'coded', 'peak MB', 'coded'];
    const rows = [[...head, ...loading], [...head, ...loading].map(() => '---')];
    for (const name of positionals.length > 0 ? positionals : ['deepspeech2-lstm', 'whisper-ctc']) {
      const { card } = await resolveModel(name);
      for (const [form, steps] of FORMS) {
        rows.push(
          await rowOf(
            `${name}, ${form}`,
            await made(name, steps, folder),
            card.parameters,
            Number(values.loads),
            folder,
          ),
        );
      }
    }
    process.stdout.write(rows.map((row) => `| ${row.join(' | ')} |\n`).join(''));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function made(name: string, steps: readonly (readonly string[])[], folder: string): Promise<string> {
  let model = name;
  for (const [index, step] of steps.entries()) {
    const out = join(folder, `step-${index}.onnx`);
    await quantlab('quantize', model, '-o', out, '--recipe', ...step);
    model = out;
  }
  return model;
}

async function rowOf(
  title: string,
  model: string,
  parameters: number,
  loads: number,
  folder: string,
): Promise<string[]> {
  const coded = join(folder, 'coded.onnx');
  await quantlab('code', model, '-o', coded);
  const bytes = await readFile((await resolveModel(model)).path);
  const codedBytes = (await stat(coded)).size;
  const zstd = spawnSync('zstd', ['-19', '-c'], { input: bytes, maxBuffer: 2 ** 30 });
  const bits = (size: number): string => ((8 * size) / parameters).toFixed(2);
  const sizes = [
    bytes.length,
    gzipSync(bytes, { level: 9 }).length,
    brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS },
    }).length,
  ];
  const taken: Record<'plain' | 'coded', Load[]> = { plain: [], coded: [] };
  for (let turn = 0; turn < loads; turn++) {
    taken.plain.push(await runJson<Load>(process.execPath, [HERE, LOAD, model]));
    taken.coded.push(await runJson<Load>(process.execPath, [HERE, LOAD, coded]));
  }
  const of = (kind: 'plain' | 'coded', what: keyof Load): string =>
    median(taken[kind].map((load) => load[what])).toFixed(0);
  return [
    title,
    (bytes.length / 1e6).toFixed(2),
    ...sizes.map(bits),
    zstd.error === undefined ? bits(zstd.stdout.length) : '–',
    bits(codedBytes),
    (codedBytes / 1e6).toFixed(2),
    of('plain', 'ms'),
    of('coded', 'ms'),
    of('plain', 'peakMb'),
    of('coded', 'peakMb'),
  ];
}

async function quantlab(...args: readonly string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [COMMAND, ...args], { maxBuffer: 2 ** 26 });
}

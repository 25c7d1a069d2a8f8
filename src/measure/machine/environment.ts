import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, platform, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../recognise/registry/embedded.js';
import { type Busyness, readBusyness } from './busyness.js';
import { type Confinement, readConfinement } from './confinement.js';
import { type FrequencyScaling, readFrequencyScaling } from './frequency.js';

/** The machine and the software; `null` where it cannot be read. */
export interface Environment {
  readonly cpu: string;
  readonly physicalCores: number | null;
  readonly logicalCores: number;
  /** Instruction sets that matter to int8 and short floats: `avx2`, `avx512_vnni`, `avx512_bf16`, `amx_int8`, `asimddp`, `i8mm` and their like. */
  readonly instructionSets: readonly string[];
  readonly memoryBytes: number;
  readonly platform: string;
  readonly node: string;
  /** Versions of the packages that are timed. */
  readonly packages: Readonly<Record<string, string>>;
  /** Commit of the working tree, with `+changes` where it differs from it. */
  readonly commit: string | null;
  /** One-minute load average before the run. */
  readonly loadBefore: number;
  /** What else the machine did before the run. */
  readonly load: Busyness;
  /** `null` where nothing is told. */
  readonly frequency: FrequencyScaling | null;
  readonly confinement: Confinement;
}

/** Where an environment is read. */
export interface EnvironmentOptions {
  /** Root of the file system that holds `/proc` and `/sys`. */
  readonly fileSystem?: string;
  /** Variables of this process. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

/** Instruction sets that decide how fast products of short numbers are: x86-64 first, then Arm. */
const INSTRUCTION_SETS = [
  'avx2',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'avx_vnni',
  'amx_tile',
  'amx_int8',
  'amx_bf16',
  'asimddp',
  'i8mm',
  'bf16',
  'sve',
] as const;

/** What macOS calls them, in `sysctl`. */
const SYSCTL_FEATURES: Readonly<Record<string, string>> = {
  'hw.optional.avx2_0': 'avx2',
  'hw.optional.avx512f': 'avx512f',
  'hw.optional.avx512vnni': 'avx512_vnni',
  'hw.optional.arm.FEAT_DotProd': 'asimddp',
  'hw.optional.arm.FEAT_I8MM': 'i8mm',
  'hw.optional.arm.FEAT_BF16': 'bf16',
};

/** Packages whose versions change what is timed. */
const TIMED_PACKAGES = ['onnxruntime-node', '@echogarden/pffft-wasm', 'wavefile'] as const;

const run = promisify(execFile);

/**
 * Reads what the machine is, as far as the system tells.
 *
 * @param root - folder of the package whose commit is named; default: this package
 * @param options - where it is read
 */
export async function readEnvironment(
  root: string = packageRoot(),
  options: EnvironmentOptions = {},
): Promise<Environment> {
  const { fileSystem = '/', variables = process.env } = options;
  // First of all: what follows makes some load itself.
  const load = readBusyness(availableParallelism(), fileSystem);
  const processor = await readProcessor(fileSystem);
  return {
    ...processor,
    logicalCores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${platform()} ${release()} ${process.arch}`,
    node: process.versions.node,
    packages: readPackageVersions(root),
    commit: await readCommit(root),
    loadBefore: load.lastMinute,
    load,
    frequency: readFrequencyScaling(fileSystem),
    confinement: readConfinement(fileSystem, variables),
  };
}

/**
 * Threads that an operator gets where nothing else is said: one for each physical core that may be used, as ONNX
 * Runtime itself does.
 */
export async function defaultThreads(): Promise<number> {
  const { physicalCores } = await readProcessor();
  return Math.max(1, Math.min(physicalCores ?? availableParallelism(), availableParallelism()));
}

type Processor = Pick<Environment, 'cpu' | 'physicalCores' | 'instructionSets'>;

async function readProcessor(fileSystem = '/'): Promise<Processor> {
  const cpu = cpus()[0]?.model.trim() || process.arch;
  const info = join(fileSystem, 'proc/cpuinfo');
  if (existsSync(info)) return { cpu, ...parseCpuInfo(readFileSync(info, 'utf8')) };
  if (platform() === 'darwin') {
    const names = ['hw.physicalcpu', ...Object.keys(SYSCTL_FEATURES)];
    const output = await run('sysctl', names).then(
      ({ stdout }) => stdout,
      // Names that this machine does not know are an error, but the others are printed all the same.
      (error: { stdout?: string }) => error.stdout ?? '',
    );
    return { cpu, ...parseSysctl(output) };
  }
  return { cpu, physicalCores: null, instructionSets: [] };
}

/**
 * Reads cores and instruction sets from the text of Linux's `/proc/cpuinfo`.
 *
 * @param text - the file
 */
export function parseCpuInfo(text: string): Pick<Processor, 'physicalCores' | 'instructionSets'> {
  const features = /^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1]?.split(/\s+/) ?? [];
  const cores = new Set<string>();
  for (const block of text.split(/\n\s*\n/)) {
    const socket = /^physical id\s*:\s*(\d+)$/m.exec(block)?.[1];
    const core = /^core id\s*:\s*(\d+)$/m.exec(block)?.[1];
    if (socket !== undefined && core !== undefined) cores.add(`${socket}/${core}`);
  }
  return {
    physicalCores: cores.size > 0 ? cores.size : null,
    instructionSets: INSTRUCTION_SETS.filter((name) => features.includes(name)),
  };
}

/**
 * Reads cores and instruction sets from the output of macOS's `sysctl`.
 *
 * @param text - lines `name: value`
 */
export function parseSysctl(text: string): Pick<Processor, 'physicalCores' | 'instructionSets'> {
  const values = new Map(text.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string | undefined]));
  const cores = Number(values.get('hw.physicalcpu') ?? Number.NaN);
  const found = Object.entries(SYSCTL_FEATURES).flatMap(([name, set]) => (values.get(name) === '1' ? [set] : []));
  return {
    physicalCores: Number.isInteger(cores) ? cores : null,
    instructionSets: INSTRUCTION_SETS.filter((name) => found.includes(name)),
  };
}

function readPackageVersions(root: string): Record<string, string> {
  const versions: Record<string, string> = {};
  const own = versionOf(join(root, 'package.json'));
  if (own !== null) versions['quantlab'] = own;
  const require = createRequire(import.meta.url);
  for (const name of TIMED_PACKAGES) {
    for (const folder of require.resolve.paths(name) ?? []) {
      const version = versionOf(join(folder, name, 'package.json'));
      if (version === null) continue;
      versions[name] = version;
      break;
    }
  }
  return versions;
}

function versionOf(manifest: string): string | null {
  if (!existsSync(manifest)) return null;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version?: string }).version ?? null;
}

async function readCommit(root: string): Promise<string | null> {
  // An installed package has no history of its own: git would answer with that of the folder around it.
  if (!existsSync(join(root, '.git'))) return null;
  try {
    const options = { cwd: dirname(join(root, '.git')), timeout: 10_000 };
    const { stdout: head } = await run('git', ['rev-parse', 'HEAD'], options);
    // Results, what is drawn from them and the README's answer change by running: they say nothing about the code.
    const outputs = ['data/results', 'figures', 'post', 'notebooks', 'README.md'].map((path) => `:(exclude)${path}`);
    const { stdout: changes } = await run('git', ['status', '--porcelain', '-uno', '--', '.', ...outputs], options);
    return head.trim() + (changes.trim() === '' ? '' : '+changes');
  } catch {
    return null;
  }
}

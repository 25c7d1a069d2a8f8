import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How the processor's clock is governed, as far as Linux tells. */
export interface FrequencyScaling {
  /** Governors in use, most often one: `performance`, `schedutil`, `powersave`. */
  readonly governors: readonly string[];
  /** `intel_pstate`, `amd-pstate-epp`, `acpi-cpufreq`. */
  readonly driver: string | null;
  /** Bounds within which the clock may move. */
  readonly minimumHz: number | null;
  readonly maximumHz: number | null;
  /** Whether it may go above its base frequency for a while (turbo). */
  readonly boost: boolean | null;
}

/**
 * Reads how the clock is governed.
 *
 * @param root - root of the file system
 * @returns `null` where nothing is told: in most virtual machines, and outside Linux
 */
export function readFrequencyScaling(root = '/'): FrequencyScaling | null {
  const cpus = join(root, 'sys/devices/system/cpu');
  if (!existsSync(cpus)) return null;
  const policies = readdirSync(cpus)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => join(cpus, name, 'cpufreq'))
    .filter((path) => existsSync(path));
  const first = policies[0];
  if (first === undefined) return null;
  const governors = policies.flatMap((policy) => readLine(join(policy, 'scaling_governor')) ?? []);
  return {
    governors: [...new Set(governors)].sort(),
    driver: readLine(join(first, 'scaling_driver')),
    minimumHz: kilohertz(readLine(join(first, 'scaling_min_freq'))),
    maximumHz: kilohertz(readLine(join(first, 'scaling_max_freq'))),
    boost: readBoost(cpus),
  };
}

function readBoost(cpus: string): boolean | null {
  const boost = readLine(join(cpus, 'cpufreq', 'boost'));
  if (boost !== null) return boost === '1';
  const noTurbo = readLine(join(cpus, 'intel_pstate', 'no_turbo'));
  return noTurbo === null ? null : noTurbo === '0';
}

function kilohertz(text: string | null): number | null {
  const value = Number(text ?? Number.NaN);
  return Number.isFinite(value) ? 1000 * value : null;
}

/**
 * Reads a small file of the system.
 *
 * @returns its text without the space around it, or `null` where it is missing, secret or empty
 */
export function readLine(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null;
  }
}

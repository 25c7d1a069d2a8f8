import { cpus } from 'node:os';
import { UnavailableError } from '../../errors.js';
import type { EnergyMeter, EnergyMethod, SkippedMethod } from './energyMeter.js';
import { applePower, nvidiaPower, PowerSampler } from './powerSampler.js';
import { openRapl, POWERCAP_ROOT } from './rapl.js';
import { constantMeter, type PowerTable, ratedPowerMeter, readPowerTable } from './ratedPower.js';

/** Where the ladder stands. */
export interface EnergyLadderOptions {
  /** What works. Of a GPU only a measurement is taken: `nvidia-smi`. Default: `cpu`. */
  readonly device?: 'cpu' | 'gpu';
  /** Folder of RAPL's counters. */
  readonly powercapRoot?: string;
  /** As the processor calls itself. */
  readonly cpu?: string;
  /** As `process.platform`. */
  readonly platform?: string;
  /** Whether this process may do everything. */
  readonly isRoot?: boolean;
  /** Rated powers. Default: the package's own table. */
  readonly table?: PowerTable;
}

/** The best meter that works here, started, and those above it that do not. */
export interface ChosenMeter {
  readonly meter: EnergyMeter;
  readonly skipped: readonly SkippedMethod[];
}

/**
 * Finds the best way to know the energy of a processor: its own counters, `powermetrics` on macOS; else rated power times
 * load; else a constant, which always works. The energy of a GPU is measured or not known.
 *
 * @throws {UnavailableError} for a GPU that `nvidia-smi` does not measure
 */
export async function chooseEnergyMeter(options: EnergyLadderOptions = {}): Promise<ChosenMeter> {
  const {
    device = 'cpu',
    powercapRoot = POWERCAP_ROOT,
    cpu = cpus()[0]?.model.trim() ?? '',
    platform = process.platform,
    isRoot = process.getuid?.() === 0,
  } = options;
  if (device === 'gpu') {
    const meter = new PowerSampler(nvidiaPower());
    await meter.start();
    return { meter, skipped: [] };
  }
  const table = options.table ?? (await readPowerTable());
  const rungs: readonly (readonly [EnergyMethod, () => EnergyMeter])[] = [
    ['rapl', () => openRapl(powercapRoot)],
    ['powermetrics', () => openPowermetrics(platform, isRoot)],
    ['rated-power', () => ratedPowerMeter(table.processors, cpu)],
  ];
  const skipped: SkippedMethod[] = [];
  for (const [method, open] of rungs) {
    try {
      const meter = open();
      await meter.start();
      return { meter, skipped };
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      skipped.push({ method, reason: error.message });
    }
  }
  const meter = constantMeter(table.otherwise);
  await meter.start();
  return { meter, skipped };
}

function openPowermetrics(platform: string, isRoot: boolean): EnergyMeter {
  if (platform !== 'darwin') throw new UnavailableError('powermetrics: macOS was required, got another system');
  if (!isRoot) throw new UnavailableError('powermetrics: root was required, got another user; run with sudo');
  return new PowerSampler(applePower());
}

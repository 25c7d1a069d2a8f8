// Sizes: the model card. Gzip: `gzip -9` of the same bytes is Node's zlib; here the file itself is the reference.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { measureMemory } from '../../../src/measure/memory/memory.js';
import { findSmallestLimit, type LimitResult, runWithinLimit } from '../../../src/measure/memory/memoryLimit.js';
import { measureModelSize } from '../../../src/measure/memory/modelSize.js';
import { buildDeepSpeech2, deepSpeech2Settings } from '../../../src/onnx/build/build.js';
import { writeModel } from '../../../src/onnx/file/write.js';
import { writeBuiltCard } from '../../../src/recognise/kinds/ctc/builtCard.js';
import type { ResolvedModel } from '../../../src/recognise/model.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';

const recordings = [
  { id: 'added', audioPath: fileURLToPath(new URL('../../../data/speech/audio/added.flac', import.meta.url)) },
];
const MEBIBYTE = 2 ** 20;

async function smallModel(units = 16): Promise<ResolvedModel> {
  const path = join(mkdtempSync(join(tmpdir(), 'quantlab-memory-')), 'small.onnx');
  const options = { layers: 1, units };
  const built = buildDeepSpeech2(options);
  await writeModel(built, path);
  await writeBuiltCard(built, deepSpeech2Settings(options), path);
  return await resolveModel(path);
}

const canLimit = existsSync('/proc/self/status') && hasTaskset();

function hasTaskset(): boolean {
  try {
    execFileSync('taskset', ['--version']);
    return true;
  } catch {
    return false;
  }
}

describe('measureModelSize', () => {
  it('gives bytes, gzip and values by element type', async () => {
    const { path, card } = await smallModel();
    const size = await measureModelSize([path]);
    expect(size.sizeBytes).toBe(statSync(path).size);
    expect(size.gzipBytes).toBe(gzipSync(readFileSync(path), { level: 9 }).length);
    expect(size.types.map(({ dtype }) => dtype)).toEqual(['float32', 'int64']);
    expect(size.values).toBeGreaterThan(card.parameters);
    expect(size.types[0]?.sizeBytes).toBe(4 * (size.types[0]?.values ?? 0));
  });

  it('counts files that lie outside the model', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'quantlab-size-'));
    const built = buildDeepSpeech2({ layers: 1, units: 16 });
    await writeModel(built, join(folder, 'in.onnx'));
    await writeModel(built, join(folder, 'out.onnx'), { limitBytes: 1000 });
    const [inside, outside] = [
      await measureModelSize([join(folder, 'in.onnx')]),
      await measureModelSize([join(folder, 'out.onnx')]),
    ];
    expect(existsSync(join(folder, 'out.onnx.data'))).toBe(true);
    expect(outside.types).toEqual(inside.types);
    expect(outside.sizeBytes).toBe(
      statSync(join(folder, 'out.onnx')).size + statSync(join(folder, 'out.onnx.data')).size,
    );
  });
});

describe('measureMemory', () => {
  it('tells what a process holds before the model, with it, and after runs', async () => {
    const seen: number[] = [];
    const model = await smallModel(256);
    const weights = model.card.parameters * 4;
    const summary = await measureMemory(model, { recordings, runs: 3, onProgress: (done) => seen.push(done) });
    expect(summary).toMatchObject({
      model: model.card.id,
      runs: 3,
      threads: 1,
      withArena: { arena: true },
      withoutArena: { arena: false },
    });
    for (const { baseline, loaded, afterRuns } of [summary.withArena, summary.withoutArena]) {
      // The runtime keeps the weights in memory, 13 MB of them.
      expect(loaded.residentBytes - baseline.residentBytes).toBeGreaterThan(weights);
      expect(loaded.peakBytes).toBeGreaterThanOrEqual(baseline.peakBytes);
      expect(afterRuns.peakBytes).toBeGreaterThanOrEqual(loaded.peakBytes);
    }
    expect(seen).toEqual([1, 2, 3, 4]);
    const peaks = summary.starts?.map(({ afterRuns }) => afterRuns.peakBytes).sort((a, b) => a - b);
    expect(summary.withArena.afterRuns.peakBytes).toBe(peaks?.[1]);
  });

  it('needs a recording', async () => {
    await expect(measureMemory(await smallModel(), { recordings: [] })).rejects.toThrow(InputError);
  });
});

/** Puts a program of our own called systemd-run first on the path; it sees the command alone. */
function fakeSystemd(script: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-systemd-'));
  const options = 'while true; do case "$1" in -p) shift 2;; -*) shift;; *) break;; esac; done';
  writeFileSync(join(folder, 'systemd-run'), `#!/bin/sh\n${options}\n${script}\n`);
  chmodSync(join(folder, 'systemd-run'), 0o755);
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH'] ?? ''}`);
}

describe.skipIf(!canLimit)('a small device', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('runs a model that fits, on one core', async () => {
    const result = await runWithinLimit(await smallModel(), { recordings, runs: 2, limitBytes: 1024 * MEBIBYTE });
    expect(result).toMatchObject({ fits: true, reason: null, limitBytes: 1024 * MEBIBYTE, arena: false });
    expect(result.meanMs).toBeGreaterThan(0);
  });

  it('records that a model does not fit, and why', async () => {
    // Node and the runtime alone take more than 32 MiB.
    const result = await runWithinLimit(await smallModel(), {
      recordings,
      runs: 2,
      limitBytes: 32 * MEBIBYTE,
      method: 'watched',
    });
    expect(result).toMatchObject({ fits: false, method: 'watched', meanMs: null });
    expect(result.reason).toMatch(/MiB were resident$/);
  });

  it('lets the kernel limit it where systemd makes a control group', async () => {
    // Stands in for systemd-run: leaves its own options out and becomes the command.
    fakeSystemd('exec "$@"');
    const model = await smallModel();
    const result = await runWithinLimit(model, { recordings, runs: 1 });
    expect(result).toMatchObject({ fits: true, method: 'kernel', reason: null });
  });

  it('takes a process that the kernel ends for one that does not fit', async () => {
    fakeSystemd('if [ "$1" = true ]; then exit 0; fi; kill -9 $$');
    const result = await runWithinLimit(await smallModel(), { recordings, runs: 1 });
    expect(result).toMatchObject({ fits: false, method: 'kernel', meanMs: null });
    expect(result.reason).toMatch(/^it ended: .*SIGKILL/);
  });

  it('refuses to let the kernel limit it where there is no control group', async () => {
    fakeSystemd('exit 1');
    const model = await smallModel();
    await expect(runWithinLimit(model, { recordings, method: 'kernel' })).rejects.toThrow(/systemd's control groups/);
    expect(await runWithinLimit(model, { recordings, runs: 1 })).toMatchObject({ method: 'watched' });
  });

  it('finds the smallest limit by halving', async () => {
    const tries: LimitResult[] = [];
    const { smallest } = await findSmallestLimit(await smallModel(), {
      recordings,
      runs: 1,
      method: 'watched',
      toleranceBytes: 64 * MEBIBYTE,
      onTry: (result) => tries.push(result),
    });
    expect(smallest.fits).toBe(true);
    expect(smallest.limitBytes).toBe(Math.min(...tries.filter(({ fits }) => fits).map(({ limitBytes }) => limitBytes)));
    const failed = Math.max(0, ...tries.filter(({ fits }) => !fits).map(({ limitBytes }) => limitBytes));
    expect(smallest.limitBytes - failed).toBeLessThanOrEqual(64 * MEBIBYTE);
  });

  it('refuses a limit that is none, and recordings that are none', async () => {
    await expect(runWithinLimit(await smallModel(), { recordings, limitBytes: 0 })).rejects.toThrow(InputError);
    await expect(runWithinLimit(await smallModel(), { recordings: [] })).rejects.toThrow(InputError);
  });
});

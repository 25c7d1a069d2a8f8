import { existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { UnavailableError } from '../../../src/errors.js';
import {
  bandwidthFor,
  confirmedPeak,
  higherLimits,
  measureHardware,
  threadCounts,
} from '../../../src/measure/machine/hardware.js';
import { runKernel } from '../../../src/measure/machine/kernelProcess.js';
import { maximumKernel, productKernel, readingKernel } from '../../../src/measure/machine/kernels.js';
import { checkProviders } from '../../../src/measure/machine/providers.js';
import { measureRoofline } from '../../../src/measure/machine/roofline.js';
import { MeasuringProcess } from '../../../src/process/process.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';
import { rooflineFigure } from '../../../src/report/figures/rooflineFigure.js';

const recording = {
  id: 'added',
  audioPath: fileURLToPath(new URL('../../../data/speech/audio/added.flac', import.meta.url)),
};

/** Where Debian's chromium carries SwiftShader, a program that imitates a GPU, and a Vulkan loader. */
const CHROMIUM = '/usr/lib/chromium';
const hasSoftwareGpu =
  existsSync(join(CHROMIUM, 'vk_swiftshader_icd.json')) && existsSync(join(CHROMIUM, 'libvulkan.so.1'));

function useSoftwareGpu(): void {
  const folder = mkdtempSync(join(tmpdir(), 'quantlab-gpu-'));
  symlinkSync(join(CHROMIUM, 'libvulkan.so.1'), join(folder, 'libvulkan.so.1'));
  vi.stubEnv('LD_LIBRARY_PATH', folder);
  vi.stubEnv('VK_ICD_FILENAMES', join(CHROMIUM, 'vk_swiftshader_icd.json'));
  vi.stubEnv('XDG_RUNTIME_DIR', folder);
}

afterEach(() => void vi.unstubAllEnvs());

describe('kernels', () => {
  it('know their work', () => {
    expect(productKernel('float32', 64).work).toBe(2 * 64 ** 3);
    expect(productKernel('int8', 64).work).toBe(2 * 64 ** 3);
    expect(maximumKernel(4000).work).toBe(4000);
    // A chain of 64 MiB in steps of 1 MiB; the largest set once.
    expect(readingKernel(2 ** 20).work).toBe(64 * 2 ** 20);
    expect(readingKernel(256 * 2 ** 20).work).toBe(256 * 2 ** 20);
  });

  it('run in a process of their own', async () => {
    for (const kernel of [
      productKernel('float32', 32),
      productKernel('int8', 32),
      readingKernel(4096),
      maximumKernel(4096),
    ]) {
      const { timesMs } = await runKernel(kernel, { runs: 3 });
      expect(timesMs).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
    }
  });

  it('do not wait for ever', async () => {
    await expect(runKernel(productKernel('float32', 32), { limitMs: 1 })).rejects.toThrow(UnavailableError);
  });
});

describe('measureHardware', () => {
  it('gives peaks and speeds for each number of threads', async () => {
    const seen: string[] = [];
    const limits = await measureHardware({
      threads: [1],
      setBytes: [2 ** 18, 2 ** 20],
      runs: 2,
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(limits).toHaveLength(1);
    expect(limits[0]?.float32PerS).toBeGreaterThan(1e6);
    expect(limits[0]?.int8PerS).toBeGreaterThan(1e6);
    expect(limits[0]?.bandwidths.map(({ setBytes }) => setBytes)).toEqual([2 ** 18, 2 ** 20]);
    expect(seen).toEqual(['1/4', '2/4', '3/4', '4/4']);
  });

  it('takes the highest rate that a second process confirms', () => {
    expect(confirmedPeak([7])).toBe(7);
    expect(confirmedPeak([100, 120, 96])).toBe(100);
    expect(confirmedPeak([60, 100, 120, 118])).toBe(120);
    expect(confirmedPeak([60, 100])).toBeNull();
  });

  it('keeps what was higher at either time', () => {
    const limits = (rate: number, bytesPerS: number) => {
      return { threads: 2, float32PerS: rate, int8PerS: 3 * rate, bandwidths: [{ setBytes: 1, bytesPerS }] };
    };
    expect(higherLimits(limits(2, 5), limits(1, 9))).toEqual(limits(2, 9));
  });

  it('takes 1, 2, 4 … and all threads', () => {
    expect(threadCounts(1)).toEqual([1]);
    expect(threadCounts(2)).toEqual([1, 2]);
    expect(threadCounts(6)).toEqual([1, 2, 4, 6]);
  });

  it('reads as fast as the next smaller set', () => {
    const bandwidths = [
      { setBytes: 100, bytesPerS: 50 },
      { setBytes: 1000, bytesPerS: 10 },
    ];
    const limits = { threads: 1, float32PerS: 1, int8PerS: 1, bandwidths };
    expect([1, 100, 999, 1000, 1e9].map((size) => bandwidthFor(limits, size))).toEqual([50, 50, 50, 10, 10]);
  });
});

describe('checkProviders', () => {
  it('runs on the processor, and says why others do not work', async () => {
    const checks = await checkProviders({ names: ['cpu', 'openvino'] });
    expect(checks[0]).toMatchObject({ name: 'cpu', bundled: true, status: 'works', reason: null });
    expect(checks[1]?.status === 'works' || (checks[1]?.reason ?? '') !== '').toBe(true);
  });

  it.skipIf(!hasSoftwareGpu)('does not take a program that imitates a GPU for one', async () => {
    useSoftwareGpu();
    const [webgpu] = await checkProviders({ names: ['webgpu'] });
    expect(webgpu).toMatchObject({ status: 'imitated', reason: expect.stringContaining('libvk_swiftshader.so') });
  });
});

// Where Debian's chromium is not installed there is no software GPU to run on: the test is then skipped.
describe.skipIf(!hasSoftwareGpu)('the WebGPU path, on a software GPU', () => {
  it('hears the same as the processor, and its times can be told from a GPU’s', async () => {
    const model = await resolveModel('deepspeech2-lstm');
    const texts: string[] = [];
    let graphics: { readonly drivers: readonly string[] } | undefined;
    for (const executionProvider of ['cpu', 'webgpu'] as const) {
      if (executionProvider === 'webgpu') useSoftwareGpu();
      const process = new MeasuringProcess({ name: executionProvider });
      try {
        const setup = { model, executionProvider, threads: 1, recordings: [recording], warmUp: [] };
        await process.load(setup, (traces) => {
          graphics = traces;
        });
        texts.push((await process.trial([0])).texts.join());
      } finally {
        await process.stop();
      }
    }
    expect(texts[1]).toBe(texts[0]);
    expect(texts[0]).not.toBe('');
    expect(graphics?.drivers).toContain('libvk_swiftshader.so');
    // A software GPU takes every processor that it gets: seconds on an idle machine, minutes on a busy one.
  }, 300_000);
});

describe('measureRoofline', () => {
  it('sets a model beside the machine, and is drawn', async () => {
    const limits = {
      threads: 1,
      float32PerS: 1e11,
      int8PerS: 3e11,
      bandwidths: [
        { setBytes: 2 ** 20, bytesPerS: 7e10 },
        { setBytes: 2 ** 28, bytesPerS: 2e10 },
      ],
    };
    // A machine that is too slow to have run the model: no bound.
    const slow = { ...limits, float32PerS: 1e8 };
    await expect(measureRoofline(await resolveModel('deepspeech2-lstm'), slow, { recording, runs: 1 })).rejects.toThrow(
      /a bound that no run beats was required, got \d+\.\d+ ms beside a run of [\d.]+ ms/,
    );
    const first = { recording, runs: 1, allowExceeded: true };
    expect((await measureRoofline(await resolveModel('deepspeech2-lstm'), slow, first)).share).toBeGreaterThan(1);
    const allowed = { recording, runs: 3, allowExceeded: true };
    const row = await measureRoofline(await resolveModel('deepspeech2-lstm'), limits, allowed);
    // 8.0 million weights; the recurrences see each of 37 steps: at least 0.4 billion operations.
    expect(row.float32Operations).toBeGreaterThan(4e8);
    expect(row.int8Operations).toBe(0);
    expect(row.share).toBeCloseTo(row.boundMs / row.fastestMs, 12);
    expect(row.medianMs).toBeGreaterThanOrEqual(row.fastestMs);
    const figure = rooflineFigure(limits, [{ title: 'shipped', ...row }]);
    expect(figure.alt).toMatch(/shipped: at least .* ms, measured .* ms, \d+ % of what is possible/);
    expect(JSON.stringify(figure.spec)).not.toMatch(/null|NaN|Infinity/);
    expect(figure.spec.data).toHaveLength(5);
  });
});

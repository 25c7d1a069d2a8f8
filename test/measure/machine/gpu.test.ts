import { existsSync, mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findGpu } from '../../../src/measure/machine/gpu.js';
import { resolveModel } from '../../../src/recognise/registry/registry.js';

const ADDED = fileURLToPath(new URL('../../../data/speech/audio/added.flac', import.meta.url));

/** Where Debian's chromium carries SwiftShader, a program that imitates a GPU, and a Vulkan loader. */
const CHROMIUM = '/usr/lib/chromium';

describe('findGpu', () => {
  afterEach(() => void vi.unstubAllEnvs());

  it('finds a GPU that runs the model, or says why each way failed', async () => {
    const found = await findGpu({
      model: await resolveModel('deepspeech2-lstm'),
      recordings: [{ id: 'added', audioPath: ADDED }],
    });
    if (found.found) expect(found.placement.heavyOnDevice).toBeGreaterThan(found.placement.heavyOnCpu);
    else expect(found.reason).toMatch(/^no GPU answered\. CUDA: .+\. WebGPU: .+$/s);
  });

  it.skipIf(!existsSync(join(CHROMIUM, 'vk_swiftshader_icd.json')))(
    'does not take a program that imitates a GPU for one',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'quantlab-'));
      symlinkSync(join(CHROMIUM, 'libvulkan.so.1'), join(folder, 'libvulkan.so.1'));
      vi.stubEnv('LD_LIBRARY_PATH', folder);
      vi.stubEnv('VK_ICD_FILENAMES', join(CHROMIUM, 'vk_swiftshader_icd.json'));
      vi.stubEnv('XDG_RUNTIME_DIR', folder);
      const found = await findGpu({
        model: await resolveModel('deepspeech2-lstm'),
        recordings: [{ id: 'added', audioPath: ADDED }],
      });
      expect(found).toEqual({
        found: false,
        reason: expect.stringContaining('got a program that imitates one (libvk_swiftshader.so)'),
      });
    },
  );
});

// Texts as Linux 6 (x86-64 server, Arm Neoverse) and macOS 15 (M2) print them, shortened.
import { describe, expect, it } from 'vitest';
import {
  defaultThreads,
  parseCpuInfo,
  parseSysctl,
  readEnvironment,
} from '../../../src/measure/machine/environment.js';

describe('environment', () => {
  it('reads cores and instruction sets of x86-64 Linux', () => {
    const core = (id: number, socket: number, coreId: number) =>
      `processor\t: ${id}\nphysical id\t: ${socket}\ncore id\t\t: ${coreId}\nflags\t\t: fpu avx2 avx512f avx512_vnni erms\n`;
    const text = [core(0, 0, 0), core(1, 0, 0), core(2, 0, 1), core(3, 1, 0)].join('\n');
    expect(parseCpuInfo(text)).toEqual({ physicalCores: 3, instructionSets: ['avx2', 'avx512f', 'avx512_vnni'] });
  });

  it('reads what Arm Linux tells', () => {
    const text = 'processor\t: 0\nFeatures\t: fp asimd asimddp sve i8mm bf16\nCPU part\t: 0xd40\n';
    expect(parseCpuInfo(text)).toEqual({ physicalCores: null, instructionSets: ['asimddp', 'i8mm', 'bf16', 'sve'] });
  });

  it('reads what macOS tells', () => {
    const text = 'hw.physicalcpu: 8\nhw.optional.arm.FEAT_DotProd: 1\nhw.optional.arm.FEAT_I8MM: 0\n';
    expect(parseSysctl(text)).toEqual({ physicalCores: 8, instructionSets: ['asimddp'] });
  });

  it('makes nothing up', () => {
    expect(parseCpuInfo('')).toEqual({ physicalCores: null, instructionSets: [] });
    expect(parseSysctl('')).toEqual({ physicalCores: null, instructionSets: [] });
  });

  it('describes this machine', async () => {
    const environment = await readEnvironment();
    expect(environment.node).toBe(process.versions.node);
    expect(environment.packages['onnxruntime-node']).toMatch(/^\d+\.\d+\.\d+$/);
    expect(environment.memoryBytes).toBeGreaterThan(1e8);
    const threads = await defaultThreads();
    expect(threads).toBeGreaterThanOrEqual(1);
    expect(threads).toBeLessThanOrEqual(environment.logicalCores);
  });

  it('reads server processors with AMX', () => {
    const text =
      'processor\t: 0\nflags\t\t: fpu avx2 avx512f avx512_bf16 avx512_vnni amx_bf16 avx_vnni amx_tile amx_int8\n';
    expect(parseCpuInfo(text).instructionSets).toEqual([
      'avx2',
      'avx512f',
      'avx512_vnni',
      'avx512_bf16',
      'avx_vnni',
      'amx_tile',
      'amx_int8',
      'amx_bf16',
    ]);
  });

  it('names no commit of a folder that has no history of its own', async () => {
    expect((await readEnvironment('/')).commit).toBeNull();
  });
});

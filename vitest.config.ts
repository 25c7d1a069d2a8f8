import { defineConfig } from 'vitest/config';

/** Rooms whose tests change nothing that others see, neither variables nor clocks nor modules: files of one process load the sources once. */
const ALIKE = ['test/{speech,onnx,compress,recognise,tune,report}/**/*.test.ts'];

export default defineConfig({
  test: {
    // Against hangs; a busy machine takes its time.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Native sessions crash when a worker thread that holds one ends; processes do not.
    pool: 'forks',
    // Vitest would leave a core to itself, half of a machine that has two; tests mostly wait for processes of their own.
    maxWorkers: '100%',
    // Tests open sessions by themselves, too; see src/telemetry.ts.
    env: { ORT_DISABLE_TELEMETRY: '1' },
    projects: [
      { extends: true, test: { name: 'alike', include: ALIKE, isolate: false } },
      { extends: true, test: { name: 'apart', include: ['test/**/*.test.ts'], exclude: ALIKE } },
    ],
  },
});

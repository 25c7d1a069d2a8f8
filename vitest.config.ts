import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Native sessions crash when a worker thread that holds one ends; processes do not.
    pool: 'forks',
    // Tests open sessions by themselves, too; see src/telemetry.ts.
    env: { ORT_DISABLE_TELEMETRY: '1' },
  },
});

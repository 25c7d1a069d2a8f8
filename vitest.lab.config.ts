import { defineConfig } from 'vitest/config';

// `npm run test:lab`: the notebooks in a real JupyterLab, one after the other.
export default defineConfig({
  test: {
    include: ['test/lab/*.lab.ts'],
    pool: 'forks',
    reporters: ['verbose'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
  },
});

import { describe, expect, it } from 'vitest';
import { TOPICS } from '../../src/study/laboratory.js';
import { quantlab } from './terminal.js';

describe('quantlab laboratory', () => {
  it('says which topics there are', async () => {
    const { exitCode, out } = await quantlab('laboratory', '--help');
    expect(exitCode).toBe(0);
    for (const topic of TOPICS) expect(out).toContain(topic);
  });

  it('refuses a topic that there is not', async () => {
    const { exitCode, err } = await quantlab('laboratory', '--only', 'weather');
    expect(exitCode).toBe(2);
    expect(err).toContain('weather');
  });
});

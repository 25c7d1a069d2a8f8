import { describe, expect, it } from 'vitest';
import type { EnergySource } from '../../../src/measure/energy/energyMeter.js';
import { energyFigure } from '../../../src/report/figures/energyFigure.js';

const estimated: EnergySource = {
  method: 'rated-power',
  estimated: true,
  scope: '65 W of a whole processor times its load',
  citation: 'https://example.org (2026-11-21)',
};

describe('energyFigure', () => {
  it('says with every number how it is known', () => {
    const row = { title: 'int8', source: estimated, joulesPerUtterance: { value: 0.5, low: 0.4, high: 0.7 } };
    const { alt, caption, spec } = energyFigure([row]);
    expect(alt).toBe('Energy of an utterance, estimated. int8: 0.500 (0.400 to 0.700) J.');
    expect(caption).toContain('estimated by rated-power: 65 W of a whole processor times its load.');
    expect(caption).toContain('https://example.org');
    expect(spec.data[0]).toMatchObject({ x: [0.5], y: ['int8'], error_x: { array: [0.2], arrayminus: [0.1] } });
  });

  it('calls a measurement a measurement', () => {
    const source: EnergySource = { method: 'rapl', estimated: false, scope: 'package-0', citation: null };
    const { alt, caption } = energyFigure([
      { title: 'x', source, joulesPerUtterance: { value: 12, low: 11, high: 13 } },
    ]);
    expect(alt).toContain('measured. x: 12.00 (11.00 to 13.00) J');
    expect(caption).not.toContain('Source');
  });
});

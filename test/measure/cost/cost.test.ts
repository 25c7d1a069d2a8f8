// Arithmetic by hand: 1,000 hours of sound at RTFx 100 are 10 hours of machine.
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.js';
import {
  breakEven,
  CLUSTER_CLAIM,
  costOfOwn,
  costOnGpu,
  costOnInstance,
  costPer1000Hours,
  fleetFor,
  type MeasuredSpeed,
  nodesOf,
} from '../../../src/measure/cost/cost.js';
import { type InstancePrice, readPrices } from '../../../src/measure/cost/prices.js';
import { breakEvenFigure, costFigure } from '../../../src/report/figures/costFigure.js';

const speed: MeasuredSpeed = {
  title: 'CPU int8',
  audioSPerS: { value: 100, low: 80, high: 125 },
  processors: 2,
  architecture: 'x64',
};

const cpu: InstancePrice = {
  provider: 'Cloud',
  instance: 'c.8',
  region: 'here',
  kind: 'cpu',
  hardware: 'x86-64',
  architecture: 'x64',
  logicalProcessors: 8,
  usdPerHour: 0.4,
  page: 'https://example.org/prices',
  found: '2026-11-21',
};

const gpu: InstancePrice = { ...cpu, instance: 'g.1', kind: 'gpu', hardware: 'GPU', usdPerHour: 1.2 };

describe('cost', () => {
  it('is the price of the hours that the machine is needed', () => {
    expect(costPer1000Hours(0.5, 100)).toBe(5);
    expect(() => costPer1000Hours(0.5, 0)).toThrow(InputError);
    expect(() => costPer1000Hours(Number.NaN, 1)).toThrow(InputError);
  });

  it('on a machine that was not measured is an estimate, and says what it assumes', () => {
    const cost = costOnInstance(speed, cpu);
    // 8 processors instead of 2: 400 seconds of sound each second.
    expect(cost).toMatchObject({ estimated: true, audioSPerS: { value: 400, low: 320, high: 500 } });
    expect(cost.usdPer1000Hours).toEqual({ value: 1, low: 0.8, high: 1.25 });
    expect(cost.assumption).toContain('8 virtual processors');
    expect(cost.citation).toBe('https://example.org/prices (found 2026-11-21)');
  });

  it('takes no GPU and no other architecture for processors that were measured', () => {
    expect(() => costOnInstance(speed, gpu)).toThrow(InputError);
    expect(() => costOnInstance(speed, { ...cpu, architecture: 'arm64' })).toThrow(/got arm64; measure there/);
  });

  it('takes a price of the reader', () => {
    expect(costOfOwn(speed, 'my box', 0.12)).toMatchObject({
      instance: 'my box',
      estimated: false,
      citation: null,
      usdPer1000Hours: { value: 1.2 },
    });
    expect(() => costOfOwn(speed, 'my box', 0)).toThrow(InputError);
  });

  it('says how fast a GPU must be', () => {
    const even = breakEven(costOnInstance(speed, cpu), gpu);
    expect(even.cpuMachinesForThePrice).toBeCloseTo(3, 12);
    expect(even.audioSPerS.value).toBeCloseTo(1200, 9);
    // At that speed both cost the same.
    expect(costOnGpu('GPU', even.audioSPerS.value, gpu).usdPer1000Hours.value).toBeCloseTo(
      even.cpu.usdPer1000Hours.value,
      12,
    );
  });

  it('counts the machines for a load', () => {
    expect(fleetFor(1000, costOnInstance(speed, cpu))).toEqual({ machines: 3, usdPerHour: 3 * 0.4 });
    expect(() => fleetFor(0, costOnInstance(speed, cpu))).toThrow(InputError);
  });

  it('says what the sources’ comparison of clusters means for one machine', () => {
    const { priceRatio, speedRatio } = nodesOf(CLUSTER_CLAIM);
    expect(priceRatio).toBeCloseTo(5 / 3, 12);
    expect(speedRatio).toBeCloseTo(5.15 * (5 / 3), 12);
  });
});

describe('the table of prices', () => {
  it('has processors and GPUs, each with a page and a day', async () => {
    const prices = await readPrices();
    expect(new Set(prices.map(({ kind }) => kind))).toEqual(new Set(['cpu', 'gpu']));
    expect(new Set(prices.map(({ instance }) => instance)).size).toBe(prices.length);
    for (const { page, found } of prices) {
      expect(page).toMatch(/^https:\/\//);
      expect(found).toMatch(/^\d{4}-\d\d-\d\d$/);
    }
  });
});

describe('figures of cost', () => {
  const costs = [costOfOwn(speed, 'my box', 0.12), costOnInstance(speed, cpu)];

  it('show each price with its interval, and say what is estimated', () => {
    const figure = costFigure(costs);
    expect(figure.alt).toContain('CPU int8 on Cloud c.8: 1.00 (0.800 to 1.25) dollars');
    expect(figure.caption).toContain('taken to be as fast as a measured one');
    expect(figure.spec.data[0]).toMatchObject({ x: [1.2, 1], y: ['my box', 'Cloud c.8'] });
  });

  it('show where a GPU and processors cost the same', () => {
    const figure = breakEvenFigure([breakEven(costOnInstance(speed, cpu), gpu)]);
    expect(figure.alt).toContain('1,200 times real time');
    expect(figure.spec.data.at(-1)).toMatchObject({ x: [1200], y: ['Cloud g.1<br>GPU'] });
    expect(JSON.stringify(figure.spec)).not.toMatch(/null|NaN|Infinity/);
  });
});

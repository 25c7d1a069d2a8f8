import { describe, expect, it } from 'vitest';
import { ownValue } from '../src/ownValue.js';

describe('ownValue', () => {
  it('finds what a record holds, and nothing that every object has', () => {
    const record = JSON.parse('{"a": 1, "__proto__": 2}') as Record<string, number>;
    expect(ownValue(record, 'a')).toBe(1);
    expect(ownValue(record, '__proto__')).toBe(2);
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'b'])
      expect(ownValue(record, name)).toBeUndefined();
    expect(ownValue(undefined, 'a')).toBeUndefined();
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidError } from '../../../src/domain/errors.js';
import { findDevicesByHints, type RootDeviceCandidate } from '../../../src/domain/root-device/match.js';

// What ironic-python-agent's own device_hints.py picks among the same disks.
const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/root-device-hints.json'), 'utf8'),
) as {
  devices: RootDeviceCandidate[];
  answers: { hint: string; expression: unknown; devices: string[] | 'invalid' }[];
};
/** Upstream compares a number with a text there, which never fits; the contract has it mean a choice of sizes. */
const MEANT_DIFFERENCE = '<or> 50 <or> 100';

describe('root device hints', () => {
  it.each(recorded.answers.filter((one) => one.expression !== MEANT_DIFFERENCE))(
    '$hint: $expression',
    ({ hint, expression, devices }) => {
      const find = () => findDevicesByHints(recorded.devices, { [hint]: expression }).map((one) => one.name);
      if (devices === 'invalid') expect(find).toThrow(InvalidError);
      else expect(find()).toEqual(devices);
    },
  );
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { diskUnits } from '../../../../../agent/src/machine/disk-unit.js';
import { NodeCache } from '../../../../../agent/src/node-cache.js';
import { FileMachine } from '../../../../support/agent/file-machine.js';

const GIB = 2 ** 30;
const LUN = { tran: 'sas', wwn_with_extension: '0x5000c500e8460743', serial: ['ZR5001'] };

describe('a disk with several paths', () => {
  let folder: string;
  let machine: FileMachine;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'disk-unit-'));
    machine = new FileMachine();
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const add = (name: string, facts = {}) => machine.addDisk(join(folder, name), 5 * GIB, facts).name;
  const node = (properties: object) => {
    const cache = new NodeCache(machine);
    cache.update({ properties });
    return cache;
  };

  it('is one unit, every other disk one of its own', () => {
    const [a, b, c, d] = [add('a', LUN), add('b'), add('c', LUN), add('d')];
    const names = diskUnits(machine.listBlockDevices()).map((unit) => unit.map(({ name }) => name));
    expect(names).toEqual([[a, c], [b], [d]]);
  });

  it('is written by a path that can be read, whichever the hints select', () => {
    const [standby, active] = [add('a', LUN), add('b', LUN)];
    const hints = { root_device: { serial: 'ZR5001' } };
    expect(node(hints).rootDevice().name).toBe(standby);
    rmSync(standby);
    expect(node(hints).rootDevice().name).toBe(active);
    expect(node({}).rootDevice().name).toBe(active);
    rmSync(active);
    expect(node(hints).rootDevice().name).toBe(standby);
  });

  it('is left alone whole where the operator names one path', () => {
    const [first, other, own] = [add('a', LUN), add('b', LUN), add('c')];
    const left = node({ skip_block_devices: [{ name: first }] }).disks();
    expect(left.map(({ name }) => name)).toEqual([own]);
    expect(left.map(({ name }) => name)).not.toContain(other);
  });
});

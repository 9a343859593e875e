import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Standby } from '../../../../../agent/src/extension/standby.js';
import { NodeCache } from '../../../../../agent/src/node-cache.js';
import { FileMachine } from '../../../../support/agent/file-machine.js';

let dir: string;
let machine: FileMachine;
let node: NodeCache;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'standby-'));
  machine = new FileMachine();
  node = new NodeCache(machine);
});
afterEach(() => rmSync(dir, { recursive: true }));

/** @param array whether the root device is software RAID */
function prepare(mode: 'bios' | 'uefi', image_type: string, array: boolean) {
  const { name } = machine.addDisk(join(dir, 'md0'), 8 * 2 ** 20);
  const held = { device: name, name: 'root', uuid: 'aa:bb', members: [], disks: [] };
  if (array) node.knowArrays([held]);
  node.update({ properties: { root_device: { name } } });
  machine.bootMode = () => mode;
  const standby = new Standby({
    machine,
    node,
    log: { say: () => undefined, detail: () => undefined },
    imageTools: () => {
      throw new Error('the image would be fetched now');
    },
  });
  const image_info = { id: 'i', urls: ['http://127.0.0.1:1/i'], checksum: 'a'.repeat(32), image_type };
  return standby.prepareImage({ image_info }, { progress: () => undefined } as never);
}

describe('an image for software RAID', () => {
  it.each([
    ['bios', 'whole-disk', 'not a machine that starts by BIOS'],
    ['bios', 'partition', 'not a machine that starts by BIOS'],
    ['uefi', 'partition', 'not a partition image'],
  ] as const)('%s, %s: refused before anything is fetched or written', async (mode, kind, fault) => {
    await expect(prepare(mode, kind, true)).rejects.toMatchObject({
      name: 'DeploymentError',
      message: expect.stringContaining(
        'is software RAID: this agent makes whole-disk images start from it by UEFI',
      ),
    });
    await expect(prepare(mode, kind, true)).rejects.toThrow(fault);
    expect(existsSync(join(dir, 'md0')) && readFileSync(join(dir, 'md0')).every((byte) => byte === 0)).toBe(
      true,
    );
  });

  it.each([
    ['uefi', 'whole-disk', true],
    ['bios', 'whole-disk', false],
    ['bios', 'partition', false],
  ] as const)('%s, %s, array %s: goes on to the image', async (mode, kind, array) => {
    await expect(prepare(mode, kind, array)).rejects.toThrow('would be fetched now');
  });
});

import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BlockDevice } from '../../../../../agent/src/machine/block-device.js';
import { NodeCache } from '../../../../../agent/src/node-cache.js';
import type { Run } from '../../../../../agent/src/raid/arrays.js';
import { SoftwareRaid } from '../../../../../agent/src/raid/software-raid.js';
import { ProgramError } from '../../../../../agent/src/run-program.js';
import { FileMachine } from '../../../../support/agent/file-machine.js';

const GIB = 2 ** 30;
const MIB = 2 ** 20;
let sys: string;
let machine: FileMachine;
let node: NodeCache;
let ran: string[];
let scripts: Map<string, string>;
let superblocks: Set<string>;
/** What the fake mdadm fails at. */
let failing: RegExp | null;
/** Members that it leaves out. */
let leftOut: string | null;

beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), 'sys-'));
  mkdirSync(join(sys, 'class/block'), { recursive: true });
  machine = new FileMachine();
  node = new NodeCache(machine);
  [ran, scripts, superblocks] = [[], new Map(), new Set()];
  [failing, leftOut] = [null, null];
  for (const name of ['sda', 'sdb', 'sdc']) addDisk(name);
});
afterEach(() => rmSync(sys, { recursive: true, force: true }));

function addDisk(name: string, size = 40 * GIB): BlockDevice {
  mkdirSync(join(sys, 'devices', name), { recursive: true });
  symlinkSync(`../../devices/${name}`, join(sys, 'class/block', name));
  const path = join(sys, `${name}.img`);
  const disk = { ...machine.addDisk(path, MIB), name: `/dev/${name}`, size };
  machine.disks = [...machine.disks.slice(0, -1), disk];
  return disk;
}

/** As a kernel with md and a real mdadm leave sysfs. Facts of mdadm 4.2: `--detail --export`, exit 1 without a superblock. */
const run: Run = async (file, args, options = {}) => {
  const line = [file, ...args].join(' ');
  ran.push(line);
  const answer = (exitCode: number, stdout = '') => {
    const result = { exitCode, stdout, stderr: '' };
    if ((options.accept ?? [0]).includes(exitCode)) return result;
    throw new ProgramError(file, result, `exit status ${exitCode}`);
  };
  if (failing?.test(line)) return answer(2);
  if (file === 'sfdisk') {
    const disk = args.at(-1)!;
    scripts.set(disk, options.input!);
    const count = options.input!.split('\n').filter((one) => one.startsWith('start=')).length;
    for (let number = 1; number <= count; number++) addPartition(disk.slice(5), number);
  }
  if (file !== 'mdadm') return answer(0);
  const [mode, target] = args as [string, string];
  if (mode === '--create') {
    const count = Number(args[args.indexOf('--raid-devices') + 1]);
    const members = args.slice(-count).filter((one) => one !== leftOut);
    const slaves = join(sys, 'class/block', target.slice(5), 'slaves');
    mkdirSync(slaves, { recursive: true });
    for (const member of members) {
      writeFileSync(join(slaves, member.slice(5)), '');
      superblocks.add(member);
    }
    writeFileSync(join(slaves, '../name'), args[args.indexOf('--name') + 1]!);
  }
  if (mode === '--detail') {
    const name = `made-by:${readName(args.at(-1)!)}`;
    return answer(0, `MD_LEVEL=raid1\nMD_UUID=AAAA:bbbb:${args.at(-1)!.slice(-1)}\nMD_NAME=${name}\n`);
  }
  if (mode === '--stop') rmSync(join(sys, 'class/block', target.slice(5)), { recursive: true });
  if (mode === '--examine') return answer(superblocks.has(target) ? 0 : 1);
  if (mode === '--zero-superblock') superblocks.delete(target);
  return answer(0);
};

const readName = (device: string) =>
  readdirSync(join(sys, 'class/block', device.slice(5))).includes('name') ? 'root' : '';

function addPartition(disk: string, number: number): void {
  const name = `${disk}${number}`;
  mkdirSync(join(sys, 'devices', disk, name), { recursive: true });
  writeFileSync(join(sys, 'devices', disk, name, 'partition'), String(number));
  symlinkSync(`../../devices/${disk}/${name}`, join(sys, 'class/block', name));
  machine.disks = machine.disks.map((one) =>
    one.name === `/dev/${disk}` ? { ...one, partitions: [...one.partitions, `/dev/${name}`] } : one,
  );
}

const raid = () =>
  new SoftwareRaid({
    machine: { bootMode: () => 'uefi' },
    node,
    log: { say: () => {}, detail: () => {} },
    run,
    sys,
    disk: {
      erase: async (disk) => {
        ran.push(`erase ${disk.name}`);
        machine.disks = machine.disks.map((one) =>
          one.name === disk.name ? { ...one, partitions: [] } : one,
        );
      },
      reread: async (device) => void ran.push(`reread ${device}`),
    },
  });

const ROOT = {
  raid_level: '1',
  size_gb: 10,
  controller: 'software',
  is_root_volume: true,
  volume_name: 'root',
};
const DATA = { raid_level: '0', size_gb: 'MAX', controller: 'software' };

describe('software RAID', () => {
  it('lays each volume out on its disks, makes the arrays, and says how the root volume is found', async () => {
    const made = await raid().create({ logical_disks: [DATA, ROOT].toReversed() }, {});
    // Room for an EFI system partition, then the volumes; the one that takes the rest is the last.
    const start = 551 * 2048;
    const end = 10 * GIB;
    expect(scripts.get('/dev/sda')).toBe(
      `label: gpt\nstart=${start}, size=${end / 512 - start}, type=A19D880F-05FC-4D3B-A006-743F0F84911E\n` +
        `start=${end / 512}, size=${(30 * GIB - MIB) / 512}, type=A19D880F-05FC-4D3B-A006-743F0F84911E\n`,
    );
    expect(ran.filter((line) => line.startsWith('mdadm --create'))).toEqual([
      'mdadm --create /dev/md0 --force --run --metadata=1.2 --level 1 --name root --raid-devices 3 /dev/sda1 /dev/sdb1 /dev/sdc1',
      'mdadm --create /dev/md1 --force --run --metadata=1.2 --level 0 --name md1 --raid-devices 3 /dev/sda2 /dev/sdb2 /dev/sdc2',
    ]);
    expect(made).toEqual({
      logical_disks: [{ ...ROOT, root_device_hint: { serial: 'aaaa:bbbb:0' } }, DATA],
    });
  });

  it('puts the system on the array, which the disks below it are not offered beside', async () => {
    await raid().create({ logical_disks: [{ ...ROOT, size_gb: 'MAX' }] }, {});
    machine.disks = [
      ...machine.disks,
      { ...machine.disks[0]!, name: '/dev/md0', size: 39 * GIB, partitions: [] },
    ];
    expect(node.disks().map(({ name }) => name)).toEqual(['/dev/md0']);
    expect(node.rootDevice().name).toBe('/dev/md0');
    node.update({ properties: { root_device: { serial: 'aaaa:bbbb:0' } } });
    expect(node.rootDevice().name).toBe('/dev/md0');
    node.update({ properties: { skip_block_devices: [{ volume_name: 'root' }] } });
    expect(node.disks()).toEqual([]);
    await expect(raid().delete()).rejects.toThrow('keeps /dev/md0 (root)');
    expect(ran.filter((line) => line.includes('--stop'))).toEqual([]);
  });

  it('takes the disks that hints name, one for each, and 1+0 as mdadm calls it', async () => {
    const hints = [{ name: '/dev/sdc' }, { size: '>= 1' }];
    await raid().create(
      {
        logical_disks: [
          { ...ROOT, physical_disks: hints },
          { ...DATA, raid_level: '1+0', physical_disks: hints },
        ],
      },
      {},
    );
    const creates = ran.filter((line) => line.startsWith('mdadm --create'));
    expect(creates[0]).toContain('--raid-devices 2 /dev/sdc1 /dev/sda1');
    expect(creates[1]).toContain('--level 10 --name md1 --raid-devices 2 /dev/sdc2 /dev/sda2');
    expect(scripts.has('/dev/sdb')).toBe(false);
  });

  it.each<[string, object[], string]>([
    ['too few disks', [ROOT, { ...DATA, raid_level: '6' }], 'RAID level 6 with only 3 block devices'],
    ['no room', [{ ...ROOT, size_gb: 41 }], 'has no room for a logical disk of 41 GiB'],
    ['no room for the second', [ROOT, { ...DATA, size_gb: 31 }], 'has no room for a logical disk of 31 GiB'],
    [
      'no such disk',
      [{ ...ROOT, physical_disks: [{ name: '/dev/sda' }, { name: '/dev/sda' }] }],
      'No candidates',
    ],
    ['the first is no mirror', [DATA], 'requires RAID-1 for the first logical disk'],
    ['of two controllers', [ROOT, { ...DATA, controller: 'hw' }], "'controller'='software'"],
  ])('refuses %s before a disk is touched', async (_what, logical_disks, fault) => {
    await expect(raid().create({ logical_disks }, {})).rejects.toMatchObject({
      name: 'SoftwareRAIDError',
      message: expect.stringContaining(fault),
    });
    expect(ran).toEqual([]);
  });

  it('refuses disks in use', async () => {
    addPartition('sdb', 1);
    await expect(raid().create({ logical_disks: [ROOT] }, {})).rejects.toThrow(
      'Partitions detected on devices /dev/sdb during RAID config',
    );
    expect(ran).toEqual([]);
  });

  it('leaves configurations of other controllers to other managers', async () => {
    expect(await raid().create({ logical_disks: [{ raid_level: '5', size_gb: 1 }] }, {})).toEqual({});
    expect(await raid().create(undefined, {})).toEqual({});
    expect(ran).toEqual([]);
  });

  it('deletes arrays, their superblocks and what led to them; a second time there is nothing', async () => {
    await raid().create({ logical_disks: [ROOT] }, {});
    superblocks.add('/dev/sdc');
    ran = [];
    await raid().delete();
    expect(ran[0]).toBe('mdadm --assemble --scan');
    expect(ran).toEqual(
      expect.arrayContaining(['wipefs --all --force /dev/md0', 'mdadm --stop /dev/md0', 'erase /dev/sda']),
    );
    expect(ran.indexOf('mdadm --stop /dev/md0')).toBeLessThan(
      ran.indexOf('mdadm --zero-superblock /dev/sda1'),
    );
    expect([...superblocks]).toEqual([]);
    expect(machine.disks.flatMap(({ partitions }) => partitions)).toEqual([]);
    ran = [];
    await raid().delete();
    expect(ran.filter((line) => /stop|zero|erase|wipefs/.test(line))).toEqual([]);
  });

  it('says what failed, and takes no array that lacks a member for whole', async () => {
    failing = /--create/;
    await expect(raid().create({ logical_disks: [ROOT] }, {})).rejects.toThrow(
      'Failed to create md device /dev/md0 on /dev/sda1 /dev/sdb1 /dev/sdc1: mdadm: exit status 2',
    );
    await raid()
      .delete()
      .catch(() => undefined);
    machine.disks = machine.disks.map((disk) => ({ ...disk, partitions: [] }));
    for (const name of readdirSync(join(sys, 'class/block')).filter((one) => /\d$/.test(one))) {
      rmSync(join(sys, 'class/block', name), { recursive: true });
    }
    [failing, leftOut] = [null, '/dev/sdb1'];
    await expect(raid().create({ logical_disks: [ROOT] }, {})).rejects.toThrow('built without /dev/sdb1');
  });
});

import { describe, expect, it } from 'vitest';
import {
  findDevicesByHints,
  type RootDeviceCandidate,
  selectRootDevice,
} from '../../../../src/domain/root-device/match.js';

const GIB = 2 ** 30;
const sda: RootDeviceCandidate = {
  name: '/dev/sda',
  size: 100 * GIB,
  rotational: true,
  model: 'Fast Disk 3000',
  vendor: 'ACME',
  serial: ['ABC123', 'Fast_Disk_3000_ABC123'],
  wwn: ['0x5000c500a1b2c3d4'],
  hctl: '0:0:1:0',
  by_path: '/dev/disk/by-path/pci-0000:00:1f.2-ata-1',
  tran: 'sata',
};
const nvme: RootDeviceCandidate = {
  name: '/dev/nvme0n1',
  size: 50 * GIB,
  rotational: false,
  model: 'Quick NVMe',
  serial: ['N1'],
  tran: 'nvme',
};
const small: RootDeviceCandidate = { name: '/dev/sdb', size: 2 * GIB, rotational: false };
const all = [sda, nvme, small];
const names = (hints: object) => findDevicesByHints(all, hints).map((device) => device.name);

describe('selectRootDevice', () => {
  it('refuses a serial number that several disks have, unless it is one disk', () => {
    const one = { ...sda, serial: ['one', 'controller'], wwn_with_extension: '0x6a' };
    const two = {
      ...sda,
      name: '/dev/sdc',
      serial: ['two', 'controller'],
      wwn_with_extension: '0x6b',
      hctl: '0:0:2:0',
    };
    const pick = (hints: object, ...disks: RootDeviceCandidate[]) => selectRootDevice(disks, hints)?.name;
    expect(() => pick({ serial: 'controller' }, one, two)).toThrow(
      'several disks equally: /dev/sda, /dev/sdc',
    );
    expect(() => pick({ serial: '<in> control' }, one, two)).toThrow('several disks equally');
    expect(pick({ serial: 'controller', hctl: '0:0:2:0' }, one, two)).toBe('/dev/sdc');
    // Each by a number of its own.
    expect(pick({ serial: '<or> two <or> one' }, one, two)).toBe('/dev/sda');
    expect(pick({ serial: 'two' }, one, two)).toBe('/dev/sdc');
    // Two ways to one disk.
    expect(pick({ serial: 'one' }, one, { ...one, name: '/dev/sdd' })).toBe('/dev/sda');
    // Hints that mean a kind of disk take the first.
    expect(pick({ vendor: 'acme' }, one, two)).toBe('/dev/sda');
  });

  it('takes the smallest of 4 GiB and more without hints, the first name among equals', () => {
    for (const none of [undefined, null, {}]) expect(selectRootDevice(all, none)).toBe(nvme);
    const twin = { ...nvme, name: '/dev/nvme1n1' };
    expect(selectRootDevice([twin, nvme], undefined)).toBe(nvme);
    expect(selectRootDevice([small], undefined)).toBeUndefined();
  });

  it('takes a disk below 4 GiB when hints say so', () => {
    expect(selectRootDevice(all, { name: '/dev/sdb' })).toBe(small);
    expect(selectRootDevice(all, { serial: 'none' })).toBeUndefined();
  });
});

describe('operators', () => {
  it.each<[object, string[]]>([
    [{ size: 50 }, ['/dev/nvme0n1']],
    [{ size: '= 50' }, ['/dev/sda', '/dev/nvme0n1']], // "=" has meant "at least" for ever
    [{ size: '== 100' }, ['/dev/sda']],
    [{ size: '!= 100' }, ['/dev/nvme0n1', '/dev/sdb']],
    [{ size: '>= 50' }, ['/dev/sda', '/dev/nvme0n1']],
    [{ size: '> 50' }, ['/dev/sda']],
    [{ size: '<= 50' }, ['/dev/nvme0n1', '/dev/sdb']],
    [{ size: '< 50' }, ['/dev/sdb']],
    [{ size: '<or> 2 <or> 100' }, ['/dev/sda', '/dev/sdb']],
    [{ size: '<range-in> [ 2 50 )' }, ['/dev/sdb']],
    [{ size: '<range-in> ( 2 50 ]' }, ['/dev/nvme0n1']],
    [{ model: 'fast disk 3000' }, ['/dev/sda']],
    [{ model: 's== Quick NVMe' }, ['/dev/nvme0n1']],
    [{ model: 's!= Quick NVMe' }, ['/dev/sda']], // a disk that names no model fits nothing
    [{ model: '<in> disk' }, ['/dev/sda']],
    [{ model: '<or> other <or> quick nvme' }, ['/dev/nvme0n1']],
    [{ model: '<all-in> disk 3000' }, ['/dev/sda']],
    [{ model: '<all-in> disk 4000' }, []],
    [{ name: 's< /dev/s' }, ['/dev/nvme0n1']],
    [{ name: 's>= /dev/sda' }, ['/dev/sda', '/dev/sdb']],
    [{ name: 's<= /dev/sda' }, ['/dev/sda', '/dev/nvme0n1']],
    [{ name: 's> /dev/sda' }, ['/dev/sdb']],
    [{ serial: 'fast_disk_3000_abc123' }, ['/dev/sda']], // either form of the serial
    [{ serial: 'abc123' }, ['/dev/sda']],
    [{ wwn: '0x5000C500A1B2C3D4' }, ['/dev/sda']],
    [{ hctl: '0:0:1:0' }, ['/dev/sda']],
    [{ rotational: true }, ['/dev/sda']],
    [{ rotational: 'false', size: '>= 40' }, ['/dev/nvme0n1']], // all hints together
    [{ tran: 'nvme' }, ['/dev/nvme0n1']],
    [{ by_path: '<in> ata-1' }, ['/dev/sda']],
    [{ vendor: 'acme' }, ['/dev/sda']],
  ])('%j', (hints, expected) => {
    expect(names(hints)).toEqual(expected);
  });
});

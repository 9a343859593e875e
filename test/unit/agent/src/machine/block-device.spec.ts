import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listBlockDevices } from '../../../../../agent/src/machine/block-device.js';

describe('listBlockDevices', () => {
  let sys: string;

  beforeEach(() => {
    sys = mkdtempSync(join(tmpdir(), 'sysfs-'));
    mkdirSync(join(sys, 'class/block'), { recursive: true });
  });
  afterEach(() => rmSync(sys, { recursive: true }));

  /** @param path of the disk below /sys/devices @param device what its `device` link names, if any */
  function disk(path: string, files: Record<string, string | Buffer>, device?: string): void {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const dir = join(sys, 'devices', path);
    mkdirSync(dir, { recursive: true });
    if (device) {
      mkdirSync(join(sys, 'devices', device), { recursive: true });
      symlinkSync(join(sys, 'devices', device), join(dir, 'device'));
    }
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, file)), { recursive: true });
      writeFileSync(join(dir, file), content);
    }
    symlinkSync(dir, join(sys, 'class/block', name));
  }

  it('reads a SATA disk with its serial, WWN, place and partitions', () => {
    const scsi = 'pci0000:00/0000:00:1f.2/ata3/host2/target2:0:0/2:0:0:0';
    mkdirSync(join(sys, 'devices/pci0000:00/0000:00:1f.2/ata1'), { recursive: true });
    disk(
      `${scsi}/block/sda`,
      {
        size: '2097152\n',
        ro: '0\n',
        'queue/rotational': '1\n',
        'queue/logical_block_size': '512\n',
        'queue/physical_block_size': '4096\n',
        'device/model': 'QEMU HARDDISK   \n',
        'device/vendor': 'ATA     \n',
        'device/wwid': 'naa.5000c500a1b2c3d4\n',
        'device/vpd_pg80': Buffer.from([0, 0x80, 0, 8, ...Buffer.from('QM00005 ')]),
        'sda1/partition': '1\n',
        'sda2/partition': '2\n',
      },
      scsi,
    );
    expect(listBlockDevices(sys)).toEqual([
      {
        name: '/dev/sda',
        model: 'QEMU HARDDISK',
        size: 2 ** 30,
        rotational: true,
        vendor: 'ATA',
        serial: ['QM00005', 'QEMU_HARDDISK_QM00005'],
        wwn: ['0x5000c500a1b2c3d4'],
        wwn_with_extension: '0x5000c500a1b2c3d4',
        wwn_vendor_extension: null,
        hctl: '2:0:0:0',
        by_path: '/dev/disk/by-path/pci-0000:00:1f.2-ata-3',
        tran: 'sata',
        logical_sectors: 512,
        physical_sectors: 4096,
        readOnly: false,
        partitions: ['/dev/sda1', '/dev/sda2'],
      },
    ]);
  });

  it('splits a long WWN as udev does', () => {
    const scsi = 'pci0000:00/0000:00:05.0/virtio2/host0/target0:0:1/0:0:1:3';
    disk(`${scsi}/block/sdb`, { size: '8', 'device/wwid': 'naa.600508b1001c0123456789abcdef0123\n' }, scsi);
    expect(listBlockDevices(sys)[0]).toMatchObject({
      wwn: ['0x600508b1001c0123', '0x600508b1001c0123456789abcdef0123'],
      wwn_with_extension: '0x600508b1001c0123456789abcdef0123',
      wwn_vendor_extension: '0x456789abcdef0123',
      hctl: '0:0:1:3',
      by_path: '/dev/disk/by-path/pci-0000:00:05.0-scsi-0:0:1:3',
    });
  });

  it('reads NVMe and virtio disks', () => {
    disk(
      'pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1',
      { size: '8', wwid: 'eui.0025385b71b00a1c\n', 'queue/rotational': '0' },
      'pci0000:00/0000:00:04.0/nvme/nvme0',
    );
    writeFileSync(join(sys, 'devices/pci0000:00/0000:00:04.0/nvme/nvme0/serial'), 'NV1                 \n');
    disk(
      'pci0000:00/0000:00:06.0/virtio1/block/vda',
      { size: '8', serial: 'disk-1', 'device/vendor': '0x1af4\n' },
      'pci0000:00/0000:00:06.0/virtio1',
    );
    expect(listBlockDevices(sys)).toMatchObject([
      {
        name: '/dev/nvme0n1',
        tran: 'nvme',
        serial: ['NV1'],
        wwn: ['eui.0025385b71b00a1c'],
        by_path: '/dev/disk/by-path/pci-0000:00:04.0-nvme-1',
        rotational: false,
      },
      {
        name: '/dev/vda',
        tran: 'virtio',
        serial: ['disk-1'],
        vendor: '0x1af4',
        by_path: '/dev/disk/by-path/pci-0000:00:06.0',
      },
    ]);
  });

  it('passes over what is no disk, empty drives and partitions', () => {
    for (const name of ['loop0', 'ram1', 'zram0', 'sr0', 'fd0', 'dm-0', 'nvme0c0n1']) {
      disk(`virtual/block/${name}`, { size: '8' });
    }
    // An array that was stopped.
    disk('virtual/block/md127', { size: '0' });
    disk('pci/usb1/block/sdc', { size: '0' });
    disk('pci/block/sda/sda1', { size: '8', partition: '1' });
    expect(listBlockDevices(sys)).toEqual([]);
    disk('virtual/block/md0', { size: '8' });
    expect(listBlockDevices(sys).map(({ name }) => name)).toEqual(['/dev/md0']);
  });
});

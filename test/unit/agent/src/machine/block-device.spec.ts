import { describe, expect, it } from 'vitest';
import { listBlockDevices } from '../../../../../agent/src/machine/block-device.js';
import { DISK_TREES } from '../../../../support/agent/disk-trees.js';
import { SysfsTree } from '../../../../support/sysfs-tree.js';

/** What udev says of the same trees is compared in the component tests; here are the fields beside it. */
describe('listBlockDevices', () => {
  const listed = (name: string) => {
    using tree = new SysfsTree();
    DISK_TREES.find((scene) => scene.name.startsWith(name))!.build(tree);
    return listBlockDevices(tree.root);
  };

  it('reads a SATA disk', () => {
    expect(listed('SATA on')).toEqual([
      {
        name: '/dev/sdb',
        model: 'ST4000NM0035-1V4',
        size: 2 ** 30,
        rotational: true,
        vendor: 'ATA',
        serial: ['ZC1A2B3C', 'ST4000NM0035-1V4107_ZC1A2B3C'],
        wwn: ['0x5000c500a1b2c3d4'],
        wwn_with_extension: '0x5000c500a1b2c3d4',
        wwn_vendor_extension: null,
        hctl: '7:0:0:0',
        by_path: [
          '/dev/disk/by-path/pci-0000:00:1f.5-ata-2.0',
          '/dev/disk/by-path/pci-0000:00:1f.5-ata-2', // as before version 247
        ],
        tran: 'sata',
        logical_sectors: 512,
        physical_sectors: 512,
        readOnly: false,
        partitions: [],
      },
    ]);
  });

  it('tells disks behind a RAID controller apart', () => {
    const [sda, sdb] = listed('a RAID controller');
    expect(sda!.serial).toEqual([
      '6d09466044332211002fac2ee80000a1',
      '36d09466044332211002fac2ee80000a1',
      '00e8ac2f1122334426e05e0df2a0b06b',
    ]);
    expect(sdb!.serial[0]).toBe('6d09466044332211002fac2ee80000b2');
    expect(sda!.wwn).toEqual(['0x6d09466044332211', '0x6d09466044332211002fac2ee80000a1']);
    expect(sda!.wwn_vendor_extension).toBe('0x002fac2ee80000a1');
  });

  it.each([
    ['NVMe behind', 'nvme', '/dev/disk/by-path/pci-0000:64:00.5-pci-10000:01:00.0-nvme-1'],
    ['virtio', 'virtio', undefined],
    ['USB', 'usb', '/dev/disk/by-path/pci-0000:00:14.0-usb-0:1:1.0-scsi-0:0:0:0'],
    ['SAS behind', 'sas', '/dev/disk/by-path/pci-0000:03:00.0-sas-exp0x500304801234567f-phy7-lun-0'],
    ['Fibre', 'fc', '/dev/disk/by-path/pci-0000:06:00.1-fc-0x50060e801049cf01-lun-2'],
    [
      'iSCSI over',
      'iscsi',
      '/dev/disk/by-path/pci-0000:07:00.0-ip-10.0.0.9:3260-iscsi-iqn.2010-10.org.openstack:volume-1-lun-1',
    ],
  ])('%s: transport and place', (name, tran, path) => {
    expect(listed(name)).toMatchObject([{ tran, ...(path === undefined ? {} : { by_path: [path] }) }]);
  });

  it('reads sectors, protection and partitions', () => {
    using tree = new SysfsTree();
    tree.device('pci0000:00', {});
    tree.device('pci0000:00/0000:00:06.0', { subsystem: 'pci' });
    tree.device('pci0000:00/0000:00:06.0/virtio1', { subsystem: 'virtio' });
    tree.disk('pci0000:00/0000:00:06.0/virtio1/block/vda', {
      ro: '1\n',
      'queue/rotational': '0\n',
      'queue/logical_block_size': '4096\n',
      'queue/physical_block_size': '8192\n',
      'vda1/partition': '1\n',
      'vda2/partition': '2\n',
    });
    expect(listBlockDevices(tree.root)).toMatchObject([
      {
        by_path: ['/dev/disk/by-path/pci-0000:00:06.0'],
        logical_sectors: 4096,
        physical_sectors: 8192,
        readOnly: true,
        rotational: false,
        partitions: ['/dev/vda1', '/dev/vda2'],
      },
    ]);
  });

  it('passes over what is no disk, empty drives and partitions', () => {
    using tree = new SysfsTree();
    for (const name of ['loop0', 'ram1', 'zram0', 'sr0', 'fd0', 'dm-0', 'nvme0c0n1'])
      tree.disk(`virtual/block/${name}`);
    // An array that was stopped.
    tree.disk('virtual/block/md127', { size: '0' });
    tree.disk('pci/usb1/block/sdc', { size: '0' });
    tree.disk('pci/block/sda/sda1', { partition: '1' });
    expect(listBlockDevices(tree.root)).toEqual([]);
    tree.disk('virtual/block/md0');
    expect(listBlockDevices(tree.root).map(({ name }) => name)).toEqual(['/dev/md0']);
  });
});

import {
  ascii,
  BRIDGE,
  chain,
  type DiskTree,
  designators,
  hex,
  identifyPage,
  pci,
  scsiDisk,
  unit,
} from './disk-tree-parts.js';
import { REMOTE_DISK_TREES } from './remote-disk-trees.js';

const MEGARAID = {
  vendor: 'DELL    \n',
  model: 'PERC H730P Mini \n',
  vpd_pg80: unit('00e8ac2f1122334426e05e0df2a0b06b'),
};

export const DISK_TREES: readonly DiskTree[] = [
  {
    name: 'SATA on the second port of the second controller',
    disk: 'sdb',
    build: (tree) => {
      chain(tree, BRIDGE, pci('0000:00:1f.2'), ['ata1']);
      chain(
        tree,
        BRIDGE,
        pci('0000:00:1f.5'),
        ['ata8', {}],
        ['ata_port/ata8', { subsystem: 'ata_port', files: { port_no: '2\n' } }],
      );
      scsiDisk(tree, 'pci0000:00/0000:00:1f.5/ata8', '7:0:0:0', 'sdb', {
        vendor: 'ATA     \n',
        model: 'ST4000NM0035-1V4\n',
        vpd_pg80: unit('            ZC1A2B3C'),
        vpd_pg89: identifyPage('ST4000NM0035-1V4107', 'ZC1A2B3C', '5000c500a1b2c3d4'),
      });
    },
  },
  {
    name: 'SATA behind a port multiplier, without a WWN',
    disk: 'sdc',
    build: (tree) => {
      chain(
        tree,
        BRIDGE,
        pci('0000:00:1f.2'),
        ['ata3', {}],
        ['ata_port/ata3', { subsystem: 'ata_port', files: { port_no: '3\n' } }],
      );
      scsiDisk(tree, 'pci0000:00/0000:00:1f.2/ata3', '2:4:0:0', 'sdc', {
        vendor: 'ATA     \n',
        model: 'QEMU HARDDISK   \n',
        vpd_pg89: identifyPage('QEMU HARDDISK', 'QM00005'),
      });
    },
  },
  {
    name: 'a RAID controller, whose number is the same on every disk (page 0x80)',
    disk: 'sda',
    build: (tree) => {
      const at = chain(tree, BRIDGE, pci('0000:00:01.0'), pci('0000:02:00.0'));
      scsiDisk(tree, at, '0:2:0:0', 'sda', {
        ...MEGARAID,
        vpd_pg83: designators([1, 3, hex('6d09466044332211002fac2ee80000a1')]),
      });
      scsiDisk(tree, at, '0:2:1:0', 'sdb', {
        ...MEGARAID,
        vpd_pg83: designators([1, 3, hex('6d09466044332211002fac2ee80000b2')]),
      });
    },
  },
  {
    name: 'the second disk of that controller',
    disk: 'sdb',
    build: (tree) => DISK_TREES[2]!.build(tree),
  },
  {
    name: 'SAS at a phy of the controller',
    disk: 'sda',
    build: (tree) => {
      const at = chain(
        tree,
        BRIDGE,
        pci('0000:03:00.0'),
        ['host0', { subsystem: 'scsi', type: 'scsi_host' }],
        ['port-0:5', {}],
        ['end_device-0:5', {}],
      );
      tree.device('pci0000:00/0000:03:00.0/host0/port-0:5/sas_port/port-0:5', {
        subsystem: 'sas_port',
        files: { num_phys: '1\n' },
      });
      tree.device(`${at}/sas_device/end_device-0:5`, {
        subsystem: 'sas_device',
        files: { sas_address: '0x5000c500aabbcc01\n', phy_identifier: '5\n' },
      });
      const device = chain(
        tree,
        [`${at}/target0:0:5`, { subsystem: 'scsi', type: 'scsi_target' }],
        [
          '0:0:5:0',
          {
            subsystem: 'scsi',
            type: 'scsi_device',
            files: {
              vendor: 'SEAGATE \n',
              model: 'ST600MM0088     \n',
              vpd_pg80: unit('W420ABCD0000E6123XYZ'),
              // Designators of the port and of the target come first: they are not the disk's.
              vpd_pg83: designators(
                [1, 0x93, hex('5000c500aabbcc01')],
                [1, 0x94, hex('00000001')],
                [1, 0x03, hex('5000c500aabbcc03')],
                [3, 0xa8, ascii('naa.5000C500AABBCC02\0\0\0\0')],
              ),
            },
          },
        ],
      );
      tree.disk(`${device}/block/sda`);
    },
  },
  {
    name: 'SAS behind an expander',
    disk: 'sdd',
    build: (tree) => {
      const host = chain(tree, BRIDGE, pci('0000:03:00.0'), [
        'host1',
        { subsystem: 'scsi', type: 'scsi_host' },
      ]);
      const expander = chain(tree, [`${host}/port-1:0`, {}], ['expander-1:0', {}]);
      tree.device(`${expander}/sas_device/expander-1:0`, {
        subsystem: 'sas_device',
        files: { sas_address: '0x500304801234567f\n' },
      });
      const end = chain(tree, [`${expander}/port-1:0:7`, {}], ['end_device-1:0:7', {}]);
      tree.device(`${expander}/port-1:0:7/sas_port/port-1:0:7`, {
        subsystem: 'sas_port',
        files: { num_phys: '1\n' },
      });
      tree.device(`${end}/sas_device/end_device-1:0:7`, {
        subsystem: 'sas_device',
        files: { sas_address: '0x5000c50011112222\n', phy_identifier: '7\n' },
      });
      const device = chain(
        tree,
        [`${end}/target1:0:7`, { subsystem: 'scsi', type: 'scsi_target' }],
        [
          '1:0:7:0',
          {
            subsystem: 'scsi',
            type: 'scsi_device',
            files: {
              vendor: 'HGST    \n',
              model: 'HUC101212CSS600 \n',
              vpd_pg83: designators([1, 3, hex('5000cca01234567b')]),
            },
          },
        ],
      );
      tree.disk(`${device}/block/sdd`);
    },
  },
  {
    name: 'SAS by a wide port',
    disk: 'sde',
    build: (tree) => {
      const host = chain(tree, BRIDGE, pci('0000:03:00.0'), [
        'host2',
        { subsystem: 'scsi', type: 'scsi_host' },
      ]);
      const end = chain(tree, [`${host}/port-2:1`, {}], ['end_device-2:1', {}]);
      tree.device(`${host}/port-2:1/sas_port/port-2:1`, {
        subsystem: 'sas_port',
        files: { num_phys: '4\n' },
      });
      tree.device(`${end}/sas_device/end_device-2:1`, {
        subsystem: 'sas_device',
        files: { sas_address: '0x500a098012345678\n', phy_identifier: '0\n' },
      });
      const device = chain(
        tree,
        [`${end}/target2:0:1`, { subsystem: 'scsi', type: 'scsi_target' }],
        [
          '2:0:1:300',
          {
            subsystem: 'scsi',
            type: 'scsi_device',
            files: {
              vendor: 'NETAPP  \n',
              model: 'INF-01-00       \n',
              vpd_pg83: designators([1, 2, hex('0123456789abcdef')]),
            },
          },
        ],
      );
      tree.disk(`${device}/block/sde`);
    },
  },
  {
    name: 'NVMe',
    disk: 'nvme0n1',
    build: (tree) => {
      const at = chain(tree, BRIDGE, pci('0000:00:1d.0'), pci('0000:04:00.0'), [
        'nvme/nvme0',
        {
          subsystem: 'nvme',
          files: {
            serial: 'S3EUNB0J400000L     \n',
            model: 'Samsung SSD 960 EVO  1TB                \n',
            firmware_rev: '2B7QCXE7\n',
          },
        },
      ]);
      tree.disk(`${at}/nvme0n1`, { wwid: 'eui.0025385b71b00a1c\n', nsid: '1\n' });
    },
  },
  {
    name: 'NVMe with several ways to it',
    disk: 'nvme2n1',
    build: (tree) => {
      chain(tree, BRIDGE, pci('0000:05:00.0'), [
        'nvme/nvme2',
        { subsystem: 'nvme', files: { serial: 'MULTI1\n', model: 'PM1733\n' } },
      ]);
      chain(
        tree,
        ['virtual'],
        ['nvme-subsystem'],
        [
          'nvme-subsys2',
          {
            subsystem: 'nvme-subsystem',
            files: { serial: 'MULTI1              \n', model: 'PM1733\n', firmware_rev: '1\n' },
          },
        ],
      );
      tree.disk('virtual/nvme-subsystem/nvme-subsys2/nvme2n1', {
        wwid: 'eui.36344630526024450025384500000001\n',
        nsid: '1\n',
      });
    },
  },
  {
    name: 'NVMe behind Intel’s VMD, whose domain has five digits',
    disk: 'nvme1n1',
    build: (tree) => {
      const at = chain(
        tree,
        ['pci0000:64', {}],
        pci('0000:64:00.5'),
        ['pci10000:00', {}],
        pci('10000:00:02.0'),
        pci('10000:01:00.0'),
        [
          'nvme/nvme1',
          { subsystem: 'nvme', files: { serial: 'PHLN1234\n', model: 'INTEL SSDPE2KX010T8\n' } },
        ],
      );
      tree.disk(`${at}/nvme1n1`, { wwid: 'eui.01000000000000005cd2e4\n', nsid: '1\n' });
    },
  },
  {
    name: 'virtio',
    disk: 'vda',
    build: (tree) => {
      const at = chain(tree, BRIDGE, pci('0000:00:06.0'), [
        'virtio1',
        { subsystem: 'virtio', files: { vendor: '0x1af4\n' } },
      ]);
      tree.disk(`${at}/block/vda`, { serial: 'disk-1' });
    },
  },
  {
    name: 'a SCSI disk of virtio with its maker’s own identifier',
    disk: 'sda',
    build: (tree) => {
      const at = chain(tree, BRIDGE, pci('0000:00:05.0'), ['virtio2', { subsystem: 'virtio' }]);
      tree.device(`${at}/host3`, { subsystem: 'scsi', type: 'scsi_host' });
      scsiDisk(tree, at, '4:0:1:3', 'sda', {
        vendor: 'QEMU    \n',
        model: 'QEMU HARDDISK   \n',
        vpd_pg80: unit('drive one'),
        vpd_pg83: designators([2, 0, ascii('drive one')]),
      });
    },
  },
  {
    name: 'an array that speaks SCSI-2 (page 0x83 of one identifier)',
    disk: 'sdj',
    build: (tree) => {
      const at = chain(tree, BRIDGE, pci('0000:08:00.0'));
      scsiDisk(tree, at, '11:0:0:0', 'sdj', {
        vendor: 'EMC     \n',
        model: 'SYMMETRIX       \n',
        vpd_pg80: unit('870035001000'),
        vpd_pg83: Buffer.concat([Buffer.from([0, 0x83, 0, 16]), hex('60060480000290103500533033353301')]),
      });
    },
  },
  {
    name: 'a disk with a unit serial number alone',
    disk: 'sdk',
    build: (tree) => {
      const at = chain(tree, BRIDGE, pci('0000:08:00.0'));
      scsiDisk(tree, at, '12:0:0:0', 'sdk', {
        vendor: 'IBM     \n',
        model: 'IC35L036UCDY10-0\n',
        vpd_pg80: unit('   E3V/1A2B$C '),
      });
    },
  },
  ...REMOTE_DISK_TREES,
];

import {
  ascii,
  BRIDGE,
  chain,
  type DiskTree,
  designators,
  hex,
  pci,
  scsiDisk,
  unit,
} from './disk-tree-parts.js';

/** Disks on external buses: USB, Fibre Channel, iSCSI. */
export const REMOTE_DISK_TREES: readonly DiskTree[] = [
  {
    name: 'USB',
    disk: 'sdf',
    build: (tree) => {
      const at = chain(
        tree,
        BRIDGE,
        pci('0000:00:14.0'),
        ['usb2', { subsystem: 'usb', type: 'usb_device' }],
        [
          '2-1',
          {
            subsystem: 'usb',
            type: 'usb_device',
            files: {
              idVendor: '0781\n',
              idProduct: '5581\n',
              manufacturer: 'SanDisk\n',
              product: 'Ultra Fit\n',
              serial: '4C530001/2403\n',
              bcdDevice: '0100\n',
            },
          },
        ],
        [
          '2-1:1.0',
          {
            subsystem: 'usb',
            type: 'usb_interface',
            files: { bInterfaceClass: '08\n', bInterfaceSubClass: '06\n', bInterfaceNumber: '00\n' },
          },
        ],
      );
      scsiDisk(
        tree,
        at,
        '6:0:0:0',
        'sdf',
        { vendor: ' USB    \n', model: 'SanDisk 3.2Gen1 \n' },
        { removable: '1\n' },
      );
    },
  },
  {
    name: 'Fibre Channel',
    disk: 'sdg',
    build: (tree) => {
      const at = chain(
        tree,
        BRIDGE,
        pci('0000:06:00.1'),
        ['host8', { subsystem: 'scsi', type: 'scsi_host' }],
        ['rport-8:0-2', {}],
        ['target8:0:0', { subsystem: 'scsi', type: 'scsi_target' }],
      );
      tree.device(`${at}/fc_transport/target8:0:0`, {
        subsystem: 'fc_transport',
        files: { port_name: '0x50060e801049cf01\n' },
      });
      tree.device(`${at}/8:0:0:2`, {
        subsystem: 'scsi',
        type: 'scsi_device',
        files: {
          vendor: 'HITACHI \n',
          model: 'OPEN-V          \n',
          vpd_pg83: designators(
            [1, 1, ascii('HITACHI R45049CF0100')],
            [2, 1, ascii('HITACHI 5049CF01 00')],
            [1, 2, hex('0011223344556677')],
          ),
        },
      });
      tree.disk(`${at}/8:0:0:2/block/sdg`);
    },
  },
  {
    name: 'iSCSI over an adapter of PCI',
    disk: 'sdh',
    build: (tree) => {
      const session = chain(
        tree,
        BRIDGE,
        pci('0000:07:00.0'),
        ['host9', { subsystem: 'scsi', type: 'scsi_host' }],
        ['session3', {}],
      );
      tree.device(`${session}/iscsi_session/session3`, {
        subsystem: 'iscsi_session',
        files: { targetname: 'iqn.2010-10.org.openstack:volume-1\n' },
      });
      tree.device(`${session}/connection3:0/iscsi_connection/connection3:0`, {
        subsystem: 'iscsi_connection',
        files: { persistent_address: '10.0.0.9\n', persistent_port: '3260\n' },
      });
      const at = chain(
        tree,
        [`${session}/target9:0:0`, { subsystem: 'scsi', type: 'scsi_target' }],
        [
          '9:0:0:1',
          {
            subsystem: 'scsi',
            type: 'scsi_device',
            files: {
              vendor: 'LIO-ORG \n',
              model: 'volume-1        \n',
              vpd_pg80: unit('3fa1b2'),
              vpd_pg83: designators(
                [1, 3, hex('6001405abcdef0123456789abcdef012')],
                [2, 1, ascii('LIO-ORG volume-1:3fa1b2')],
              ),
            },
          },
        ],
      );
      tree.disk(`${at}/block/sdh`);
    },
  },
  {
    name: 'iSCSI by software, which udev names by its address alone',
    disk: 'sdi',
    build: (tree) => {
      const session = chain(
        tree,
        ['platform', {}],
        ['host10', { subsystem: 'scsi', type: 'scsi_host' }],
        ['session4', {}],
      );
      tree.device(`${session}/iscsi_session/session4`, {
        subsystem: 'iscsi_session',
        files: { targetname: 'iqn.x:y\n' },
      });
      tree.device(`${session}/connection4:0/iscsi_connection/connection4:0`, {
        subsystem: 'iscsi_connection',
        files: { persistent_address: 'fd00::1\n', persistent_port: '3260\n' },
      });
      const at = chain(
        tree,
        [`${session}/target10:0:0`, { subsystem: 'scsi', type: 'scsi_target' }],
        [
          '10:0:0:0',
          {
            subsystem: 'scsi',
            type: 'scsi_device',
            files: {
              vendor: 'IET     \n',
              model: 'VIRTUAL-DISK    \n',
              vpd_pg83: designators([2, 1, ascii('IET     00010001\0\0\0\0\0\0')]),
              vpd_pg80: unit('beaf11'),
            },
          },
        ],
      );
      tree.disk(`${at}/block/sdi`);
    },
  },
];

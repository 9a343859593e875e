import { describe, expect, it } from 'vitest';
import {
  bootOrder,
  type Launch,
  qemuArguments,
  varsTemplate,
} from '../../../../lab/machine/qemu-arguments.js';
import { type MachineSpecification, macFor, uuidFor } from '../../../../lab/machine/specification.js';

const machine: MachineSpecification = {
  name: 'node1',
  firmware: 'bios',
  disks: [
    { bus: 'virtio', size: 1 },
    { bus: 'sata', size: 1, wwn: '5000c500a1b2c3d4' },
    { bus: 'nvme', size: 1, serial: 'S3R1AL' },
    { bus: 'scsi', size: 1 },
  ],
  nics: [{ model: 'virtio' }, { model: 'e1000e', rom: 'none' }],
};
const launch = (order: Launch['order']): Launch => ({
  accelerator: 'tcg',
  qmpPath: '/lab/qmp.sock',
  varsPath: '/lab/vars.fd',
  diskPaths: ['/lab/0', '/lab/1', '/lab/2', '/lab/3'],
  taps: ['tap0', 'tap1'],
  macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
  uuid: '11111111-2222-5333-8444-555555555555',
  order,
});
const text = (spec: MachineSpecification, order = bootOrder(spec, null)) =>
  qemuArguments(spec, launch(order)).join(' ');

describe('the arguments of QEMU', () => {
  it('name firmware, identity, disks and NICs', () => {
    const args = text(machine);
    expect(args).toContain('-accel tcg,thread=multi -cpu max');
    expect(args).toContain('-uuid 11111111-2222-5333-8444-555555555555');
    expect(args).toContain('-machine pc,graphics=off');
    expect(args).toContain('virtio-blk-pci,id=disk0,drive=drive0,serial=node1-disk0,bootindex=0');
    expect(args).toContain(
      'ide-hd,bus=ahci1.0,id=disk1,drive=drive1,serial=node1-disk1,bootindex=1,wwn=0x5000c500a1b2c3d4',
    );
    expect(args).toContain('nvme,id=disk2,drive=drive2,serial=S3R1AL');
    expect(args).toContain('scsi-hd,bus=scsi3.0,id=disk3');
    expect(args).toContain('tap,id=link0,ifname=tap0,script=no,downscript=no');
    expect(args).toContain('virtio-net-pci,id=net0,netdev=link0,mac=52:54:00:00:00:01,bootindex=4');
    expect(args).toMatch(/e1000e,id=net1,netdev=link1,mac=52:54:00:00:00:02,romfile=( |$)/);
  });

  it('give UEFI its own copy of the variables, and Secure Boot its guarded flash', () => {
    expect(varsTemplate(machine)).toBeUndefined();
    const uefi = { ...machine, firmware: 'uefi' as const };
    expect(text(uefi)).toMatch(
      /-machine q35 -drive if=pflash,.*OVMF_CODE_4M\.fd .*unit=1,file=\/lab\/vars\.fd/,
    );
    expect(varsTemplate(uefi)).toContain('OVMF_VARS_4M.fd');
    const secure = { ...machine, firmware: 'uefi-secure' as const };
    expect(text(secure)).toContain('q35,smm=on -global driver=cfi.pflash01,property=secure,value=on');
    expect(varsTemplate(secure)).toContain('OVMF_VARS_4M.ms.fd');
  });

  it('turn the firmware’s PXE off where only HTTP boot is to be left', () => {
    const uefi = { ...machine, firmware: 'uefi' as const };
    const off = '-fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=no';
    expect(text({ ...uefi, networkBoot: 'http' })).toContain(off);
    for (const spec of [uefi, { ...uefi, networkBoot: 'any' as const }])
      expect(text(spec)).not.toContain('PXESupport');
  });
});

describe('the boot order', () => {
  const ids = (device: 'pxe' | 'disk' | null, spec = machine) => [
    ...bootOrder(spec, device && { device, efi: false, persistent: false }).keys(),
  ];
  it('has what was asked for first, and everything else after it', () => {
    expect(ids('pxe')).toEqual(['net0', 'disk0', 'disk1', 'disk2', 'disk3']);
    expect(ids('disk')).toEqual(['disk0', 'disk1', 'disk2', 'disk3', 'net0']);
    expect(ids(null)).toEqual(ids('disk'));
  });
  it('has a NIC without a ROM where the firmware can boot from it by itself', () => {
    expect(ids('pxe', { ...machine, firmware: 'uefi' }).slice(0, 2)).toEqual(['net0', 'net1']);
  });
});

describe('identities', () => {
  it('are the same for the same name, and look as they should', () => {
    expect(uuidFor('node1')).toBe(uuidFor('node1'));
    expect(uuidFor('node1')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(macFor('node1', 0)).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/);
    const macs = Array.from({ length: 1000 }, (_, i) => macFor(`sim-${i}`, 0));
    expect(new Set(macs).size).toBe(1000);
  });
});

import type { BootSelection } from '../bmc/boot-register.js';
import type { MediaKind } from '../bmc/redfish/machine.js';
import type { DiskSpecification, MachineSpecification, NicModel } from './specification.js';

/** Parameters of one start of QEMU, besides the machine's specification. */
export interface Launch {
  accelerator: 'tcg' | 'kvm';
  qmpPath: string;
  /** The machine's copy of the UEFI variables; unused for BIOS. */
  varsPath: string;
  /** One raw file for each disk, one tap and one MAC for each NIC, in the specification's order. */
  diskPaths: readonly string[];
  taps: readonly string[];
  macs: readonly string[];
  uuid: string;
  order: BootOrder;
  /** UEFI HTTP boot is selected: this start has no PXE client, which the firmware would try first. */
  byHttp?: boolean;
  /** Files of the media drives. */
  media?: ReadonlyMap<MediaKind, string>;
}

/** QEMU device id to `bootindex`. */
export type BootOrder = ReadonlyMap<string, number>;

const OVMF = {
  uefi: { code: '/usr/share/OVMF/OVMF_CODE_4M.fd', vars: '/usr/share/OVMF/OVMF_VARS_4M.fd' },
  // Microsoft's keys are enrolled, Secure Boot is on.
  'uefi-secure': { code: '/usr/share/OVMF/OVMF_CODE_4M.ms.fd', vars: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd' },
} as const;
/** OVMF reads these at its start (OvmfPkg/Library/PxeBcPcdProducerLib). */
const WITHOUT_PXE = ['IPv4PXESupport', 'IPv6PXESupport'].flatMap((name) => [
  '-fw_cfg',
  `name=opt/org.tianocore/${name},string=no`,
]);
const NIC_DEVICE: Record<NicModel, string> = {
  virtio: 'virtio-net-pci',
  e1000: 'e1000',
  e1000e: 'e1000e',
};

const MEDIA: Readonly<Record<string, readonly string[]>> = {
  cdrom: ['cd0'],
  remoteCdrom: ['cd0'],
  remoteMedia: ['usb0'],
};
export function varsTemplate(machine: MachineSpecification): string | undefined {
  return machine.firmware === 'bios' ? undefined : OVMF[machine.firmware].vars;
}

/**
 * Disks before network, or network first after a selection of PXE or HTTP boot: each machine can fall back to the other. It boots from
 * media only when selected.
 */
export function bootOrder(machine: MachineSpecification, selection: BootSelection | null): BootOrder {
  const media = machine.media === true ? (MEDIA[selection?.device ?? ''] ?? []) : [];
  const disks = machine.disks.map((_, i) => `disk${i}`);
  const nics = machine.nics.flatMap((nic, i) =>
    nic.rom === 'none' && machine.firmware === 'bios' ? [] : [`net${i}`],
  );
  const network = selection?.device === 'pxe' || selection?.device === 'http';
  const ids = network ? [...nics, ...disks] : [...media, ...disks, ...nics];
  return new Map(ids.map((id, index) => [id, index]));
}

/** Arguments of qemu-system-x86_64. The serial console uses standard input and output. */
export function qemuArguments(machine: MachineSpecification, launch: Launch): string[] {
  const tcg = launch.accelerator === 'tcg';
  return [
    ...['-name', machine.name, '-uuid', launch.uuid],
    ...['-accel', tcg ? 'tcg,thread=multi' : 'kvm', '-cpu', tcg ? 'max' : 'host'],
    ...['-m', String(machine.memory ?? 1024), '-smp', String(machine.cpus ?? 1)],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...firmwareArguments(machine, launch),
    ...['-chardev', 'stdio,id=serial0,signal=off', '-serial', 'chardev:serial0'],
    ...['-qmp', `unix:${launch.qmpPath},server=on,wait=off`],
    ...['-device', 'virtio-rng-pci'],
    ...machine.nics.flatMap((nic, i) => {
      const rom = nic.rom === 'none' ? ',romfile=' : '';
      return [
        '-netdev',
        `tap,id=link${i},ifname=${launch.taps[i]},script=no,downscript=no`,
        '-device',
        `${NIC_DEVICE[nic.model]},id=net${i},netdev=link${i},mac=${launch.macs[i]}${rom}${index(launch, `net${i}`)}`,
      ];
    }),
    ...machine.disks.flatMap((disk, i) => {
      const serial = disk.serial ?? `${machine.name}-disk${i}`.slice(-20);
      // A lab disk need not survive a crash of the host, so flushes are ignored.
      const drive = `file=${launch.diskPaths[i]},if=none,id=drive${i},format=raw,cache=unsafe,discard=unmap`;
      const where = `id=disk${i},drive=drive${i},serial=${serial}${index(launch, `disk${i}`)}`;
      return ['-drive', drive, ...diskDevice(disk, i, where)];
    }),
    ...(machine.media ? mediaArguments(launch) : []),
  ];
}

/** The optical drive is always present, full or empty; a USB stick is plugged and unplugged. */
function mediaArguments(launch: Launch): string[] {
  const [cd, usb] = [launch.media?.get('cd'), launch.media?.get('usb')];
  const drive = (path: string, node: string) => `file=${path},if=none,id=${node},format=raw,readonly=on`;
  return [
    ...(cd === undefined ? [] : ['-drive', drive(cd, 'cdmedium')]),
    ...['-device', `ide-cd,id=cd0${cd === undefined ? '' : ',drive=cdmedium'}${index(launch, 'cd0')}`],
    ...['-device', 'qemu-xhci,id=xhci'],
    ...(usb === undefined
      ? []
      : [
          ...['-drive', drive(usb, 'usbmedium')],
          '-device',
          `usb-storage,id=usb0,bus=xhci.0,drive=usbmedium,removable=on${index(launch, 'usb0')}`,
        ]),
  ];
}

function firmwareArguments(machine: MachineSpecification, launch: Launch): string[] {
  if (machine.firmware === 'bios') return ['-machine', 'pc,graphics=off'];
  const { code } = OVMF[machine.firmware];
  const secure = machine.firmware === 'uefi-secure';
  return [
    ...['-machine', secure ? 'q35,smm=on' : 'q35'],
    ...(secure ? ['-global', 'driver=cfi.pflash01,property=secure,value=on'] : []),
    ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${code}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${launch.varsPath}`],
    ...(machine.networkBoot === 'http' || launch.byHttp ? WITHOUT_PXE : []),
  ];
}

function diskDevice(disk: DiskSpecification, i: number, where: string): string[] {
  const wwn = disk.wwn === undefined ? '' : `,wwn=0x${disk.wwn}`;
  switch (disk.bus) {
    case 'virtio':
      return ['-device', `virtio-blk-pci,${where}`];
    case 'nvme':
      return ['-device', `nvme,${where}`];
    case 'sata':
      return ['-device', `ahci,id=ahci${i}`, '-device', `ide-hd,bus=ahci${i}.0,${where}${wwn}`];
    case 'scsi':
      return ['-device', `virtio-scsi-pci,id=scsi${i}`, '-device', `scsi-hd,bus=scsi${i}.0,${where}${wwn}`];
  }
}

function index(launch: Launch, id: string): string {
  const place = launch.order.get(id);
  return place === undefined ? '' : `,bootindex=${place}`;
}

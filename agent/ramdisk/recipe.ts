/** What goes into a deploy ramdisk. Everything here is data; `build.ts` turns it into a kernel and a ramdisk. */

export type Flavour = 'virtio' | 'virtual' | 'hardware';

export const FLAVOURS = {
  /**
   * Cloud kernel: unpacks 3 s sooner under emulation, but knows paravirtual devices and NVMe only.
   * For machines known to have nothing else.
   */
  virtio: { kernelPackage: 'linux-image-cloud-amd64', moduleSets: ['base', 'virtio'] },
  /** Generic kernel with what virtual machines commonly show: the default. */
  virtual: { kernelPackage: 'linux-image-amd64', moduleSets: ['base', 'virtio', 'emulated'] },
  /** Generic kernel with the NICs, disk controllers and firmware that servers have. */
  hardware: {
    kernelPackage: 'linux-image-amd64',
    moduleSets: ['base', 'virtio', 'emulated', 'hardware'],
  },
} as const satisfies Record<Flavour, { kernelPackage: string; moduleSets: readonly ModuleSetName[] }>;

type ModuleSetName = keyof typeof MODULE_SETS;

/** Modules by name; their dependencies follow. One that this kernel lacks or has built in is reported, not fatal. */
export const MODULE_SETS = {
  base: [
    ...['af_packet', 'loop', 'sd_mod', 'sg', 'dm_mod', 'nvme', 'efivarfs', 'usb_storage', 'uas'],
    ...['xhci_pci', 'ehci_pci', 'uhci_hcd', 'ohci_pci', 'hid_generic', 'usbhid', 'atkbd', 'i8042'],
    ...[
      'vfat',
      'nls_ascii',
      'nls_cp437',
      'nls_iso8859_1',
      'nls_utf8',
      'isofs',
      'ext4',
      'squashfs',
      'overlay',
    ],
    ...['ipmi_si', 'ipmi_devintf', 'rtc_cmos', '8021q'],
  ],
  virtio: ['virtio_pci', 'virtio_net', 'virtio_blk', 'virtio_scsi', 'virtio_rng', 'virtio_console'],
  emulated: [
    ...['e1000', 'e1000e', 'igb', 'igbvf', '8139cp', '8139too', 'rtl8139', 'pcnet32', 'ne2k_pci', 'vmxnet3'],
    ...['ahci', 'ata_piix', 'ata_generic', 'sym53c8xx', 'mptspi', 'mptsas', 'megaraid_sas', 'vmw_pvscsi'],
    ...[
      'hv_netvsc',
      'hv_storvsc',
      'hv_vmbus',
      'xen_netfront',
      'xen_blkfront',
      'sr_mod',
      'sdhci_pci',
      'mmc_block',
    ],
  ],
  hardware: [
    ...[
      'igc',
      'ixgbe',
      'ixgbevf',
      'i40e',
      'iavf',
      'ice',
      'fm10k',
      'bnx2',
      'bnx2x',
      'bnxt_en',
      'tg3',
      'mlx4_en',
    ],
    ...['mlx4_core', 'mlx5_core', 'mlx5_ib', 'ib_ipoib', 'r8169', 'r8152', 'be2net', 'qede', 'qed', 'qlcnic'],
    ...[
      'netxen_nic',
      'cxgb4',
      'cxgb3',
      'enic',
      'atlantic',
      'ena',
      'sfc',
      'nfp',
      'ionic',
      'sky2',
      'skge',
      'alx',
    ],
    ...['forcedeth', 'amd_xgbe', 'liquidio', 'cdc_ether', 'asix', 'ax88179_178a', 'bonding'],
    ...[
      'mpt3sas',
      'hpsa',
      'smartpqi',
      'aacraid',
      'arcmsr',
      'isci',
      'mvsas',
      'pm80xx',
      'lpfc',
      'qla2xxx',
      'bfa',
    ],
    ...[
      '3w_9xxx',
      '3w_sas',
      'megaraid_mbox',
      'mvumi',
      'sata_mv',
      'sata_nv',
      'sata_sil',
      'sata_sil24',
      'sata_via',
    ],
    ...[
      'pata_acpi',
      'sata_svw',
      'stex',
      'hptiop',
      'be2iscsi',
      'bnx2i',
      'qedi',
      'fnic',
      'snic',
      'vmd',
      'nvme_fc',
    ],
    ...['i2c_i801', 'ipmi_ssif', 'acpi_ipmi', 'mgag200', 'ast', 'i2c_piix4', 'ptp', 'megaraid'],
  ],
} as const;

/** Debian packages whose files are taken; their dependencies come with them into the package root. */
export const PACKAGES = [
  'busybox-static',
  'kmod',
  'libstdc++6',
  'libgcc-s1',
  'libc6',
  'qemu-utils',
  'fdisk',
  'util-linux',
  'mount',
  'nvme-cli',
  'hdparm',
  'efibootmgr',
  'dmidecode',
  'iproute2',
  'ca-certificates',
] as const;

/** Programs that the agent or its init start, looked up in the package root; a missing one stops the build. */
export const PROGRAMS = [
  ...['qemu-img', 'sfdisk', 'partx', 'wipefs', 'blkid', 'lsblk', 'blockdev', 'blkdiscard'],
  ...['prlimit', 'mount', 'umount', 'nvme', 'hdparm', 'efibootmgr', 'dmidecode', 'ip', 'kmod'],
] as const;

/** Other files of the package root that the programs need at run time. */
export const FILES = ['etc/ssl/openssl.cnf', 'usr/share/ca-certificates'] as const;

/** Names under which busybox and kmod are called; a real program of the same name above wins. */
export const BUSYBOX_APPLETS = [
  ...[
    'sh',
    'cat',
    'ls',
    'cp',
    'mv',
    'rm',
    'ln',
    'mkdir',
    'mknod',
    'chmod',
    'echo',
    'sleep',
    'usleep',
    'sync',
  ],
  ...[
    'find',
    'sort',
    'xargs',
    'grep',
    'sed',
    'awk',
    'cut',
    'tr',
    'head',
    'tail',
    'wc',
    'dd',
    'df',
    'free',
    'ps',
  ],
  ...['kill', 'vi', 'less', 'hexdump', 'sha256sum', 'md5sum', 'tar', 'gzip', 'gunzip', 'zcat', 'wget', 'nc'],
  ...['udhcpc', 'ifconfig', 'route', 'ping', 'poweroff', 'reboot', 'halt', 'dmesg', 'mountpoint', 'mdev'],
  ...['shred', 'date', 'hwclock', 'hostname', 'uname', 'setsid', 'cttyhack', 'getty', 'env', 'test', 'true'],
] as const;
export const KMOD_NAMES = ['modprobe', 'lsmod', 'insmod', 'rmmod', 'modinfo', 'depmod'] as const;

/** The content of a deploy ramdisk, as data; `build.ts` makes the kernel and the ramdisk of it. */

const words = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '');

/** Modules by name; dependencies are added. A module that a kernel lacks or has built in is reported, not fatal. */
export const MODULE_SETS = {
  base: words(`
    sd_mod sr_mod sg dm_mod nvme usb_storage uas xhci_pci ehci_pci uhci_hcd ohci_pci hid_generic usbhid
    ipmi_si ipmi_devintf
    efivarfs vfat nls_ascii nls_cp437 nls_iso8859_1 nls_utf8 isofs
    ext4 xfs btrfs crc32c_generic
    md_mod raid0 raid1 raid10 raid456`),
  virtio: words('virtio_pci virtio_net virtio_blk virtio_scsi virtio_rng virtio_console'),
  emulated: words(`
    e1000 e1000e igb igbvf 8139cp 8139too pcnet32 ne2k_pci vmxnet3
    ahci ata_piix ata_generic sym53c8xx mptspi mptsas megaraid_sas vmw_pvscsi
    hv_netvsc hv_storvsc hv_vmbus xen_netfront xen_blkfront`),
  hardware: words(`
    igc ixgbe ixgbevf i40e iavf ice fm10k bnx2 bnx2x bnxt_en tg3 mlx4_en mlx4_core mlx5_core mlx5_ib ib_ipoib
    r8169 r8152 be2net qede qed qlcnic netxen_nic cxgb4 cxgb3 enic atlantic ena sfc nfp ionic sky2 skge alx
    forcedeth amd_xgbe liquidio cdc_ether asix ax88179_178a bonding ptp
    mpt3sas hpsa smartpqi aacraid arcmsr isci mvsas pm80xx lpfc qla2xxx bfa 3w_9xxx 3w_sas megaraid
    megaraid_mbox mvumi sata_mv sata_nv sata_sil sata_sil24 sata_via sata_svw pata_acpi stex hptiop
    be2iscsi bnx2i qedi fnic snic vmd nvme_fc sdhci_pci mmc_block
    i2c_i801 i2c_piix4 mgag200 ast`),
} as const satisfies Record<string, readonly string[]>;

export const FLAVOURS = {
  /**
   * Cloud kernel: unpacks 3 s sooner under emulation, but supports paravirtual devices and NVMe only. For machines
   * known to have no other devices.
   */
  virtio: { kernelPackage: 'linux-image-cloud-amd64', moduleSets: ['base', 'virtio'] },
  /** Generic kernel with the usual devices of virtual machines: the default. */
  virtual: { kernelPackage: 'linux-image-amd64', moduleSets: ['base', 'virtio', 'emulated'] },
  /** Generic kernel with the NICs and disk controllers of servers. */
  hardware: { kernelPackage: 'linux-image-amd64', moduleSets: ['base', 'virtio', 'emulated', 'hardware'] },
} as const satisfies Record<
  string,
  { kernelPackage: string; moduleSets: readonly (keyof typeof MODULE_SETS)[] }
>;

export type Flavour = keyof typeof FLAVOURS;

/** Loaded before /usr, a squashfs image in a file, is mounted. Neither has dependencies. */
export const EARLY_MODULES = ['loop', 'squashfs'] as const;

/** Debian packages whose files are included; their dependencies come into the package root too. */
export const PACKAGES = words(`
  busybox-static kmod libstdc++6 libgcc-s1 libc6 openssl util-linux mount fdisk qemu-utils
  nvme-cli hdparm efibootmgr dmidecode iproute2 ipmitool dropbear-bin e2fsprogs dosfstools xfsprogs mdadm
  perl-base`);

/** Programs that the agent or init starts, taken from the package root; a missing one fails the build. */
export const PROGRAMS = words(`
  qemu-img sfdisk partx wipefs blkid lsblk blockdev prlimit mount umount perl
  mke2fs mkfs.fat mkfs.xfs mkswap
  nvme hdparm efibootmgr dmidecode ip kmod ipmitool dropbear mdadm`);

/** Other files of the package root that programs need at run time; missing ones are skipped. */
export const FILES = ['etc/ssl/openssl.cnf'] as const;

/** Names for busybox; a real program of the same name takes precedence. */
export const BUSYBOX_APPLETS = words(`
  sh cat ls cp mv rm ln mkdir mknod chmod echo sleep usleep sync find sort xargs grep sed awk cut tr head tail wc
  dd df free ps kill vi less hexdump sha256sum md5sum tar gzip gunzip zcat wget nc udhcpc ifconfig route ping
  poweroff reboot halt dmesg mountpoint date hwclock hostname uname setsid cttyhack getty login env test true`);

export const KMOD_NAMES = ['modprobe', 'lsmod', 'insmod', 'rmmod', 'modinfo', 'depmod'] as const;

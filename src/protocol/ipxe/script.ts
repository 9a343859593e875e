import { type BootWord, commandLine } from './boot-text.js';

/** What a machine boots: a kernel and one initial ramdisk. */
export interface RamdiskBoot {
  /** URL or path, as the boot loader fetches it. */
  kernel: BootWord;
  ramdisk: BootWord;
  /** The kernel's command line, without BOOTIF and initrd, which depend on the boot loader. */
  parameters: readonly BootWord[];
}

/** iPXE's name of the ramdisk: the last part of its URL. UEFI kernels find it by this name only. */
const RAMDISK_NAME = 'deploy_ramdisk' as BootWord;

/**
 * The iPXE script of one node (Ironic: drivers/modules/ipxe_config.template): ten attempts with growing pauses.
 * @param timeout ms for each transfer; 0: iPXE's default
 * @throws UnsafeBootText
 */
export function ipxeScript(boot: RamdiskBoot, timeout: number): string {
  const option = timeout > 0 ? ` --timeout ${Math.round(timeout)}` : '';
  const line = commandLine([...boot.parameters, `initrd=${RAMDISK_NAME}` as BootWord]);
  return trying(`imgfree
kernel${option} ${boot.kernel} ${line} BOOTIF=\${mac} || goto retry
initrd${option} --name ${RAMDISK_NAME} ${boot.ramdisk} || goto retry
boot || goto retry`);
}

/** The ISO becomes a drive of the machine, read on demand by HTTP (https://ipxe.org/cmd/sanboot). */
export function ipxeIsoScript(iso: BootWord): string {
  return trying(`sanboot ${iso} || goto retry`);
}

/** @param commands lines that jump to `retry` on failure */
function trying(commands: string): string {
  return `#!ipxe

set attempts:int32 10
set i:int32 0

:deploy
${commands}

:retry
iseq \${i} \${attempts} && goto fail ||
inc i
echo No response, retrying in \${i} seconds.
sleep \${i}
goto deploy

:fail
echo Failed to get a response after \${attempts} attempts
echo Powering off in 30 seconds.
sleep 30
poweroff
`;
}

/** For machines that boot from the network although they should boot from their disk. */
export function ipxeLocalBootScript(mode: 'bios' | 'uefi'): string {
  // After `exit 0` UEFI firmware shows its setup page; `exit 1` makes it try the next device.
  const command = mode === 'bios' ? 'sanboot --no-describe --drive 0x80 || exit 0' : 'exit 1';
  return `#!ipxe\n\n${command}\n`;
}

/**
 * pxelinux, for BIOS (Ironic: drivers/modules/pxe_config.template). `ipappend 2` adds BOOTIF.
 * @throws UnsafeBootText
 */
export function pxelinuxConfig(boot: RamdiskBoot): string {
  return `default deploy

label deploy
kernel ${boot.kernel}
append initrd=${boot.ramdisk} ${commandLine(boot.parameters)}
ipappend 2
`;
}

/** pxelinux: boot from the first disk. */
export function pxelinuxLocalBootConfig(): string {
  return `default boot_whole_disk

label boot_whole_disk
localboot 0
`;
}

const GRUB_TFTP = '(tftp,$net_default_server)';
/** The device that GRUB was loaded from, including a port of HTTP. */
export const GRUB_ROOT = '($root)';

/**
 * GRUB, for UEFI (Ironic: drivers/modules/pxe_grub_config.template).
 * @param device prefix of the paths
 * @throws UnsafeBootText
 */
export function grubConfig(boot: RamdiskBoot, device = GRUB_TFTP): string {
  return `set default=deploy
set timeout=0

menuentry "deploy" --id deploy {
    linux ${device}/${boot.kernel} ${commandLine(boot.parameters)} BOOTIF=$net_default_mac
    initrd ${device}/${boot.ramdisk}
}
`;
}

/** GRUB: return to the firmware, which tries the next device. */
export function grubLocalBootConfig(): string {
  return 'exit\n';
}

/** `grub/grub.cfg`, the same for every machine: sources the node's file by MAC (Ironic: initial_grub_cfg.template). */
export function grubBootConfig(device = GRUB_TFTP): string {
  return `set timeout=0
source ${device}/$net_default_mac.conf
`;
}

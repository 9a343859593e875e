/** Boot devices as the API names them (Ironic: common/boot_devices.py). */
export const BOOT_DEVICES = [
  'pxe',
  'disk',
  'cdrom',
  'bios',
  'safe',
  'wanboot',
  'iscsiboot',
  'floppy',
  'uefihttp',
] as const;
export type BootDevice = (typeof BOOT_DEVICES)[number];

export type BootMode = 'bios' | 'uefi';

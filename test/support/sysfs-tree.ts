import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';

export interface SysfsEntry {
  subsystem?: string;
  /** DEVTYPE in its uevent. */
  type?: string;
  files?: Readonly<Record<string, string | Buffer>>;
}

/** A tree like the kernel's sysfs, complete enough for udev. */
export class SysfsTree implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), 'sysfs-'));
  private minor = 0;

  constructor() {
    for (const dir of ['class/block', 'devices', 'bus', 'dev/block'])
      mkdirSync(join(this.root, dir), { recursive: true });
  }

  /** @param path below /sys/devices; parent folders that are devices need a call of their own */
  device(path: string, { subsystem, type, files = {} }: SysfsEntry = {}): string {
    const dir = join(this.root, 'devices', path);
    mkdirSync(dir, { recursive: true });
    const lines = [...(type === undefined ? [] : [`DEVTYPE=${type}`])];
    if (subsystem === 'block') {
      const minor = this.minor++;
      lines.push(`MAJOR=8`, `MINOR=${minor}`, `DEVNAME=${basename(path)}`);
      this.link(join(this.root, 'dev/block', `8:${minor}`), dir);
      writeFileSync(join(dir, 'dev'), `8:${minor}\n`);
    }
    writeFileSync(join(dir, 'uevent'), lines.map((line) => `${line}\n`).join(''));
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, file)), { recursive: true });
      writeFileSync(join(dir, file), content);
    }
    if (subsystem === undefined) return dir;
    const place = BUSES.includes(subsystem) ? `bus/${subsystem}/devices` : `class/${subsystem}`;
    mkdirSync(join(this.root, place), { recursive: true });
    this.link(join(dir, 'subsystem'), join(this.root, place.replace('/devices', '')));
    this.link(join(this.root, place, basename(path)), dir);
    return dir;
  }

  /** A disk of 1 GiB whose `device` is the folder two levels above it, or one. */
  disk(path: string, files: SysfsEntry['files'] = {}): void {
    const dir = this.device(path, {
      subsystem: 'block',
      type: 'disk',
      files: { size: '2097152\n', ro: '0\n', removable: '0\n', 'queue/rotational': '1\n', ...files },
    });
    const above = dirname(dir);
    if (!existsSync(join(dir, 'device')))
      this.link(join(dir, 'device'), basename(above) === 'block' ? dirname(above) : above);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }

  private link(path: string, target: string): void {
    if (!existsSync(path)) symlinkSync(relative(dirname(path), target), path);
  }
}

const BUSES = ['pci', 'scsi', 'usb', 'virtio', 'platform', 'acpi', 'xen', 'vmbus'];

import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A device of sysfs, as udev defines it: a directory with a file `uevent` (systemd: src/libsystemd/sd-device). */
export class SysfsDevice {
  private constructor(
    private readonly sys: string,
    /** Real path of its directory. */
    readonly dir: string,
  ) {}

  /** @param path a directory of sysfs; links are followed */
  static at(sys: string, path: string): SysfsDevice | undefined {
    try {
      return new SysfsDevice(sys, realpathSync(path));
    } catch {
      return undefined; // not there
    }
  }

  get name(): string {
    return basename(this.dir);
  }

  /** The number at the end of its name, as text. */
  get number(): string | undefined {
    return /\d+$/.exec(this.name)?.[0];
  }

  get subsystem(): string | undefined {
    return linkName(join(this.dir, 'subsystem'));
  }

  get type(): string | undefined {
    return /^DEVTYPE=(.*)$/m.exec(readText(join(this.dir, 'uevent')) ?? '')?.[1];
  }

  /** The nearest ancestor directory that is a device. */
  get parent(): SysfsDevice | undefined {
    const top = join(realpathSync(this.sys), 'devices');
    for (let dir = dirname(this.dir); dir.length > top.length; dir = dirname(dir)) {
      if (existsSync(join(dir, 'uevent'))) return new SysfsDevice(this.sys, dir);
    }
    return undefined;
  }

  /** The nearest ancestor of a subsystem and type. */
  above(subsystem: string, type?: string): SysfsDevice | undefined {
    for (let device = this.parent; device; device = device.parent) {
      if (device.subsystem === subsystem && (type === undefined || device.type === type)) return device;
    }
    return undefined;
  }

  /** A device of a class, by name. */
  sibling(subsystem: string, name: string): SysfsDevice | undefined {
    return SysfsDevice.at(this.sys, join(this.sys, 'class', subsystem, name));
  }

  /** The trimmed content of a file; undefined if missing or empty. */
  text(file: string): string | undefined {
    return readText(join(this.dir, file))?.trim() || undefined;
  }

  /** The file of the nearest device that has it, from this one up: udev's ATTRS{}. */
  inherited(file: string): string | undefined {
    for (let device: SysfsDevice | undefined = this; device; device = device.parent) {
      const text = device.text(file);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  bytes(file: string): Buffer | undefined {
    try {
      return readFileSync(join(this.dir, file));
    } catch {
      return undefined; // sysfs has a file only where the device has the value
    }
  }

  entries(): string[] {
    return readdirSync(this.dir);
  }
}

function linkName(path: string): string | undefined {
  try {
    return basename(readlinkSync(path));
  } catch {
    return undefined; // not there
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // sysfs has a file only where the device has the value
  }
}

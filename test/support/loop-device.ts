import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

/** A loop device for a test, with a sector size that a plain file does not have. */
export class LoopDevice implements Disposable {
  private constructor(readonly path: string) {}

  static over(file: string, sector = 512): LoopDevice {
    const device = new LoopDevice(
      execFileSync('losetup', ['--find', '--show', '--sector-size', String(sector), file], {
        encoding: 'utf8',
      }).trim(),
    );
    device.dropPartitions();
    return device;
  }

  /** An already attached device. */
  static at(path: string): LoopDevice {
    return new LoopDevice(path);
  }

  /** The kernel keeps partitions after a detach, for the next user of the device. */
  dropPartitions(): void {
    const name = basename(this.path);
    if (readdirSync(`/sys/block/${name}`).some((entry) => entry.startsWith(`${name}p`)))
      execFileSync('partx', ['--delete', this.path]);
  }

  [Symbol.dispose](): void {
    this.dropPartitions();
    execFileSync('losetup', ['--detach', this.path]);
  }
}

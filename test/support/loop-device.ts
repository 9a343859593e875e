import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

/** A loop device of a test's own, with sectors of a size that a plain file does not have. */
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

  /** One that is attached already. */
  static at(path: string): LoopDevice {
    return new LoopDevice(path);
  }

  /** The kernel keeps them over a detach, for whoever gets the device next. */
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

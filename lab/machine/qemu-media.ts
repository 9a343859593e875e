import { rmSync } from 'node:fs';
import type { MediaDrives, MediaKind } from '../bmc/redfish/machine.js';
import type { Qmp } from './qmp.js';

/** Runs an action in the machine's queue; without QMP the machine is off. */
type Turn = (action: (qmp: Qmp | undefined) => Promise<void>) => Promise<void>;

/** Media drives of a QEMU machine. Media stay inserted while the power is off. */
export class QemuMedia implements MediaDrives {
  readonly kinds = ['cd', 'usb'] as const;
  readonly #files = new Map<MediaKind, string>();
  #sticks = 0;

  constructor(private readonly turn: Turn) {}

  /** Files in the drives at a start. */
  get files(): ReadonlyMap<MediaKind, string> {
    return this.#files;
  }

  /** Takes ownership of the file: it is deleted at eject. */
  async insert(kind: MediaKind, path: string): Promise<void> {
    await this.eject(kind);
    await this.turn(async (qmp) => {
      if (qmp && kind === 'cd') {
        await qmp.command('blockdev-change-medium', {
          id: 'cd0',
          filename: path,
          format: 'raw',
          'read-only-mode': 'read-only',
        });
      } else if (qmp) await this.#plug(qmp, path);
      this.#files.set(kind, path);
    });
  }

  async eject(kind: MediaKind): Promise<void> {
    await this.turn(async (qmp) => {
      const path = this.#files.get(kind);
      if (path === undefined) return;
      if (qmp && kind === 'cd') await qmp.command('eject', { id: 'cd0', force: true });
      else if (qmp) await qmp.command('device_del', { id: 'usb0' });
      this.#files.delete(kind);
      rmSync(path, { force: true }); // QEMU may still have it open, and then keeps reading it
    });
  }

  /** Removes the drives from the firmware's boot order. */
  async leaveOut(qmp: Qmp): Promise<void> {
    const path = '/machine/peripheral/cd0';
    await qmp.command('qom-set', { path, property: 'bootindex', value: -1 });
    if (!this.#files.has('usb')) return;
    await qmp.command('qom-set', { path: '/machine/peripheral/usb0', property: 'bootindex', value: -1 });
  }

  /** A new node name each time: the previous stick's node remains until the guest releases it. */
  async #plug(qmp: Qmp, path: string): Promise<void> {
    const node = `stick${this.#sticks++}`;
    const file = { driver: 'file', filename: path, 'read-only': true };
    await qmp.command('blockdev-add', { driver: 'raw', 'node-name': node, 'read-only': true, file });
    await qmp.command('device_add', {
      driver: 'usb-storage',
      id: 'usb0',
      bus: 'xhci.0',
      drive: node,
      removable: true,
    });
  }
}

import {
  closeSync,
  copyFileSync,
  createWriteStream,
  ftruncateSync,
  mkdirSync,
  openSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import type { BootDevice } from '../../src/protocol/ipmi/boot-flags.js';
import { BootRegister } from '../bmc/boot-register.js';
import type { Hardware, MediaDrives, RedfishMachine, SecureBootSwitch } from '../bmc/redfish/machine.js';
import { LabProcess } from '../process/lab-process.js';
import type { Ledger } from '../process/ledger.js';
import type { Accelerator } from './accelerator.js';
import { type BootOrder, bootOrder, qemuArguments, varsTemplate } from './qemu-arguments.js';
import { QemuMedia } from './qemu-media.js';
import { Qmp, type QmpEvent } from './qmp.js';
import { SerialConsole } from './serial-console.js';
import { hardwareOf, type MachineSpecification, macFor, uuidFor } from './specification.js';
import { UefiSettings } from './uefi-settings.js';

export type MachineEvent =
  | { kind: 'power'; on: boolean }
  | { kind: 'reset' }
  /** QEMU has exited by itself, or the guest has powered off. */
  | { kind: 'ended'; code: number | null; errors: string };

export interface QemuMachineOptions {
  specification: MachineSpecification;
  /** Folder of disks, UEFI variables, sockets and logs. */
  directory: string;
  namespace: string;
  /** One tap for each NIC. */
  taps: readonly string[];
  ledger: Ledger;
  accelerator: Accelerator;
}

/** A QEMU machine: QEMU runs while its power is on. Its disks and UEFI variables are kept while it is off. */
export class QemuMachine implements RedfishMachine, AsyncDisposable {
  readonly name: string;
  readonly bootDevices: readonly BootDevice[];
  readonly boot = new BootRegister();
  readonly console: SerialConsole;
  readonly uuid: string;
  readonly macs: readonly string[];
  readonly diskPaths: readonly string[];
  readonly hardware: Hardware;
  readonly drives?: MediaDrives;
  readonly secureBoot?: SecureBootSwitch;
  readonly #media: QemuMedia | undefined;
  readonly #firmware: UefiSettings | undefined;
  readonly #listeners = new Set<(event: MachineEvent) => void>();
  #qemu: LabProcess | undefined;
  #qmp: Qmp | undefined;
  /** Actions run one after another, in the order of the calls. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: QemuMachineOptions) {
    const { specification, directory } = options;
    mkdirSync(directory, { recursive: true });
    this.name = specification.name;
    this.uuid = specification.uuid ?? uuidFor(specification.name);
    this.macs = specification.nics.map((nic, i) => nic.mac ?? macFor(specification.name, i));
    this.console = new SerialConsole(join(directory, 'serial.log'));
    this.diskPaths = specification.disks.map((disk, i) => {
      const path = join(directory, `disk${i}.raw`);
      rmSync(path, { force: true });
      const file = openSync(path, 'w');
      ftruncateSync(file, disk.size);
      closeSync(file);
      return path;
    });
    this.hardware = hardwareOf(specification, this.uuid, this.macs);
    this.bootDevices = specification.media ? ['pxe', 'disk', 'cdrom', 'remoteCdrom'] : ['pxe', 'disk'];
    const vars = varsTemplate(specification);
    if (vars !== undefined) {
      copyFileSync(vars, this.varsPath);
      this.#firmware = new UefiSettings(this.varsPath, specification.firmware === 'uefi-secure');
      if (this.#firmware.secureBoot) this.secureBoot = this.#firmware.secureBoot;
    }
    if (specification.media) {
      this.#media = new QemuMedia((action) => this.#next(() => action(this.isOn() ? this.#qmp : undefined)));
      this.drives = this.#media;
    }
  }

  /** File of the UEFI firmware's variables; absent with a BIOS. */
  get varsPath(): string {
    return join(this.options.directory, 'uefi-vars.fd');
  }

  onEvent(listener: (event: MachineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  isOn(): boolean {
    return this.#qemu?.running === true;
  }

  on(): Promise<void> {
    return this.#next(async () => {
      if (!this.isOn()) await this.#start();
    });
  }

  off(): Promise<void> {
    return this.#next(async () => {
      if (!this.isOn()) return;
      await this.#qemu?.kill();
      this.#emit({ kind: 'power', on: false });
    });
  }

  reset(): Promise<void> {
    return this.#next(async () => {
      if (this.#qmp === undefined || !this.isOn()) return;
      if (this.#firmware?.changes(this.boot.selection())) {
        // A running firmware owns the file of its variables: writing it needs a stop.
        await this.#qemu?.kill();
        await this.#start();
        this.#emit({ kind: 'reset' });
        return;
      }
      await this.#setOrder(bootOrder(this.options.specification, this.boot.selection()));
      await this.#qmp.command('system_reset'); // the RESET event consumes a one-shot selection
    });
  }

  soft(): Promise<void> {
    return this.#next(async () => {
      if (this.isOn()) await this.#qmp?.command('system_powerdown');
    });
  }

  /** Types text on the serial console. */
  type(text: string): void {
    this.#qemu?.child.stdin?.write(text);
  }

  async close(): Promise<void> {
    await this.off();
    await this.console.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #start(): Promise<void> {
    const { specification, directory, namespace, taps, ledger, accelerator } = this.options;
    const qmpPath = join(directory, 'qmp.sock');
    rmSync(qmpPath, { force: true });
    const selection = this.boot.selection();
    const order = bootOrder(specification, selection);
    this.#firmware?.apply(selection);
    const args = qemuArguments(specification, {
      accelerator,
      qmpPath,
      varsPath: this.varsPath,
      diskPaths: this.diskPaths,
      taps,
      macs: this.macs,
      uuid: this.uuid,
      order,
      byHttp: selection?.device === 'http',
      ...(this.#media ? { media: this.#media.files } : {}),
    });
    this.console.mark(`${specification.name}: power on, ${new Date().toISOString()}`);
    const qemu = await LabProcess.start({
      file: 'qemu-system-x86_64',
      args,
      namespace,
      stdio: ['pipe', 'pipe', 'pipe'],
      ledger,
    });
    this.#qemu = qemu;
    let errors = '';
    const errorLog = createWriteStream(join(directory, 'qemu.log'), { flags: 'a' });
    qemu.child.stdout?.on('data', (chunk: Buffer) => this.console.write(chunk));
    qemu.child.stderr?.on('data', (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2_000);
      errorLog.write(chunk);
    });
    qemu.child.stdin?.on('error', () => undefined); // input after QEMU's exit
    void qemu.exited.then(({ code }) => {
      errorLog.end();
      this.#qmp?.close();
      this.#qmp = undefined;
      this.#emit({ kind: 'ended', code, errors });
    });
    try {
      this.#qmp = await Qmp.open(
        qmpPath,
        (event) => this.#onQmp(event),
        () => qemu.running,
      );
      this.#emit({ kind: 'power', on: true });
      await this.#spendOneShot();
    } catch (error) {
      await qemu.kill();
      throw new Error(`${this.name} does not start: ${errors.trim()}`, { cause: error });
    }
  }

  #onQmp(event: QmpEvent): void {
    if (event.event !== 'RESET') return;
    this.#emit({ kind: 'reset' });
    this.#next(() => this.#spendOneShot()).catch((error: unknown) => {
      if (this.isOn()) this.console.mark(`the boot order could not be set: ${String(error)}`);
    });
  }

  /** QEMU passes the boot order to the firmware at reset, so a change now applies to the boot after this one. */
  async #spendOneShot(): Promise<void> {
    this.boot.take();
    await this.#setOrder(bootOrder(this.options.specification, this.boot.selection()));
  }

  async #setOrder(order: BootOrder): Promise<void> {
    const qmp = this.#qmp;
    if (qmp === undefined) return;
    if (this.#media && !order.has('cd0')) await this.#media.leaveOut(qmp);
    const set = (id: string, value: number) =>
      qmp.command('qom-set', { path: `/machine/peripheral/${id}`, property: 'bootindex', value });
    // An unplugged stick has no boot index.
    const present = [...order].filter(([id]) => id !== 'usb0' || this.#media?.files.has('usb'));
    for (const [id] of present) await set(id, -1); // an index is refused while another device has it
    for (const [id, value] of present) await set(id, value);
  }

  #next<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => undefined); // the caller receives the error; the next action runs nevertheless
    return result;
  }

  #emit(event: MachineEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

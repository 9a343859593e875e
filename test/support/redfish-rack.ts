import { readFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { BootRegister, type BootSelection } from '../../lab/bmc/boot-register.js';
import type { RedfishFault } from '../../lab/bmc/redfish/fault.js';
import type { Hardware, MediaDrives, MediaKind, RedfishMachine } from '../../lab/bmc/redfish/machine.js';
import { RedfishBmc, type RedfishBmcOptions } from '../../lab/bmc/redfish/redfish-bmc.js';

export const REDFISH_PASSWORD = 'canary-redfish-pw';

/** A machine in memory that records the BMC's actions, its boots and its media. */
export class PaperServer implements RedfishMachine {
  readonly name = 'paper';
  readonly bootDevices = ['pxe', 'disk', 'bios'] as const;
  readonly boot = new BootRegister();
  readonly hardware: Hardware;
  readonly done: string[] = [];
  /** Boot selection of each start. */
  readonly starts: (BootSelection | null)[] = [];
  readonly media = new Map<MediaKind, Buffer>();
  readonly drives: MediaDrives = {
    kinds: ['cd', 'usb'],
    insert: async (kind, path) => void this.media.set(kind, readFileSync(path)),
    eject: async (kind) => void this.media.delete(kind),
  };
  /** Takes effect at each start. */
  readonly secureBoot = {
    current: true,
    wanted: true,
    want(on: boolean) {
      this.wanted = on;
    },
  };
  /** ms until the power state follows a command. */
  inertia = 0;
  #on = false;

  constructor(hardware: Partial<Hardware> = {}) {
    this.hardware = {
      uuid: '7e0b1c5c-3f0a-4c9b-9a55-0c3c6a1d0001',
      firmware: 'uefi',
      memory: 4096,
      cpus: 4,
      macs: ['52:54:00:12:34:56', '52:54:00:12:34:57'],
      disks: [{ name: 'disk0', serial: 'S0', size: 500 * 10 ** 9, bus: 'sata' }],
      ...hardware,
    };
  }
  isOn = () => this.#on;
  on = () => this.#act('on', true);
  off = () => this.#act('off', false);
  reset = () => this.#act('reset', true);
  soft = () => this.#act('soft', false);
  interrupt = async () => void this.done.push('nmi');
  async #act(what: string, on: boolean) {
    const starts = on && (what === 'reset' || !this.#on);
    this.done.push(what);
    if (this.inertia > 0) await new Promise((resolve) => setTimeout(resolve, this.inertia).unref());
    this.#on = on;
    if (!starts) return;
    this.secureBoot.current = this.secureBoot.wanted;
    this.starts.push(this.boot.take());
  }
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  /** JSON body of any resource. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests name what they expect
  body: any;
}

/** A Redfish service in front of a machine in memory, and a plain client of it. */
export class RedfishRack implements AsyncDisposable {
  readonly machine: PaperServer;
  readonly bmc: RedfishBmc;
  readonly #agent = new Agent({ keepAlive: false, rejectUnauthorized: false });

  constructor(options: Partial<RedfishBmcOptions> & { hardware?: Partial<Hardware> } = {}) {
    this.machine = new PaperServer(options.hardware);
    this.bmc = new RedfishBmc({
      machine: this.machine,
      users: [
        { name: 'admin', password: REDFISH_PASSWORD },
        { name: 'reader', password: REDFISH_PASSWORD, role: 'ReadOnly' },
      ],
      ...options,
    });
  }

  static async up(
    options: ConstructorParameters<typeof RedfishRack>[0] = {},
    ...faults: RedfishFault[]
  ): Promise<RedfishRack> {
    const rack = new RedfishRack(options);
    rack.bmc.setFaults(...faults);
    await rack.bmc.listen(0);
    return rack;
  }

  /** Sends a request as `admin` by Basic authentication, unless headers override it. @throws Error of the connection */
  ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
    const basic = `Basic ${Buffer.from(`admin:${REDFISH_PASSWORD}`).toString('base64')}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      headers: {
        authorization: basic,
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    };
    return new Promise((resolve, reject) => {
      const asked = request(this.bmc.url + path, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(chunks).toString();
          const json = (response.headers['content-type'] ?? '').includes('json') && /^[[{]/.test(whole);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            body: json ? JSON.parse(whole) : whole,
          });
        });
      });
      asked.on('error', reject);
      asked.end(text);
    });
  }

  async [Symbol.asyncDispose]() {
    this.#agent.destroy();
    await this.bmc.close();
  }
}

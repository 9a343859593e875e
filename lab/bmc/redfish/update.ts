import { readFileSync } from 'node:fs';
import {
  type Answer,
  type Body,
  type Call,
  collection,
  link,
  missingParameter,
  Refusal,
  refuse,
} from './answer.js';
import { type Board, pathsOf, type Resources } from './board.js';
import { actionInfo } from './system.js';
import { type LabTask, type Tasks, taskBody } from './tasks.js';

const SERVICE = '/redfish/v1/UpdateService';
const INVENTORY = `${SERVICE}/FirmwareInventory`;
const SIMPLE = `${SERVICE}/Actions/UpdateService.SimpleUpdate`;
const MULTIPART = `${SERVICE}/upload`;
/** Member of FirmwareInventory to the component whose image replaces it. */
const MEMBERS = { BIOS: 'bios', BMC: 'bmc', NIC: 'nic', CPLD: 'cpld', BootLoader: 'loader' } as const;
const UNREACHED = 'Base.1.12.CouldNotEstablishConnection';
const MAGIC = 'ferric-lab-firmware';

/** An image for a component of a lab machine: `bios`, `bmc`, `nic` or `cpld`. */
export function labFirmware(component: string, version: string, filling = 0): Buffer {
  return Buffer.concat([Buffer.from(`${MAGIC} ${component} ${version}\n`), Buffer.alloc(filling, 'f')]);
}

/** UpdateService: images that the BMC downloads or is sent, judged, stored, and applied as each component is. */
export class Updates {
  /** Images that wait for the next start of the machine. */
  readonly #staged: { component: string; version: string; task: LabTask }[] = [];

  constructor(
    private readonly board: Board,
    private readonly tasks: Tasks,
  ) {
    board.onStart.push(() => this.#start());
  }

  resources(): Resources {
    const { quirks } = this.board;
    const found: Resources = {
      [SERVICE]: { get: () => this.#service() },
      [INVENTORY]: {
        get: () =>
          collection(
            INVENTORY,
            'SoftwareInventoryCollection',
            Object.keys(MEMBERS).map((id) => `${INVENTORY}/${id}`),
          ),
        child: (id) => (Object.hasOwn(MEMBERS, id) ? { get: () => this.#item(id) } : undefined),
      },
      [`${SERVICE}/SimpleUpdateActionInfo`]: {
        get: () =>
          actionInfo(`${SERVICE}/SimpleUpdateActionInfo`, 'TransferProtocol', quirks.updateProtocols),
      },
      [SIMPLE]: { post: (call) => this.#pull(call) },
    };
    if (!quirks.noMultipart) found[MULTIPART] = { post: (call) => this.#push(call) };
    return found;
  }

  #service(): Body {
    const { quirks, faults } = this.board;
    return {
      '@odata.id': SERVICE,
      '@odata.type': '#UpdateService.v1_11_0.UpdateService',
      Id: 'UpdateService',
      Name: 'Update Service',
      ServiceEnabled: true,
      HttpPushUriTargetsBusy: faults.has('update-held') !== undefined,
      MaxImageSizeBytes: 32 * 2 ** 20,
      FirmwareInventory: link(INVENTORY),
      ...(quirks.noMultipart ? {} : { MultipartHttpPushUri: MULTIPART }),
      Actions: quirks.noSimpleUpdate
        ? {}
        : {
            '#UpdateService.SimpleUpdate': {
              target: SIMPLE,
              '@Redfish.ActionInfo': `${SERVICE}/SimpleUpdateActionInfo`,
              ...(quirks.actionInfoOnly
                ? {}
                : { 'TransferProtocol@Redfish.AllowableValues': quirks.updateProtocols }),
            },
          },
    };
  }

  #item(id: string): Body {
    const component = MEMBERS[id as keyof typeof MEMBERS];
    return {
      '@odata.id': `${INVENTORY}/${id}`,
      '@odata.type': '#SoftwareInventory.v1_7_0.SoftwareInventory',
      Id: id,
      Name: `Firmware of ${id}`,
      Version: this.board.firmware.get(component) ?? null,
      Updateable: component !== 'loader',
      Status: { State: 'Enabled', Health: 'OK' },
    };
  }

  async #pull(call: Call): Promise<Answer> {
    refuseConditions(call);
    const { quirks } = this.board;
    const { ImageURI: url, TransferProtocol: protocol, Targets: targets } = call.body;
    if (typeof url !== 'string') throw missingParameter('UpdateService.SimpleUpdate', 'ImageURI');
    if (protocol !== undefined && !quirks.updateProtocols.includes(String(protocol))) {
      throw refuse(
        400,
        'ActionParameterNotSupported',
        `TransferProtocol ${String(protocol)} is not supported.`,
      );
    }
    this.#checkTargets(targets);
    const task = this.tasks.begin(SIMPLE);
    // The BMC answers, and downloads then.
    void this.#download(url, task, targets).catch((error: unknown) =>
      this.board.event({ kind: 'failed', error }),
    );
    return this.#accepted(task);
  }

  async #download(url: string, task: LabTask, targets: unknown): Promise<void> {
    if (this.board.faults.take('cannot-fetch')) {
      this.#fail(task, 'unknown', `The service failed to establish a connection with ${url}.`, UNREACHED);
      return;
    }
    let image: Buffer;
    try {
      const { path } = await this.board.download(url, 'firmware');
      image = readFileSync(path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const never = code !== undefined && ['ECONNREFUSED', 'ECONNRESET'].includes(code);
      this.#fail(
        task,
        'unknown',
        `The image could not be downloaded: ${message}.`,
        never ? UNREACHED : undefined,
      );
      return;
    }
    this.#receive(image, task, targets, 'pull');
  }

  #push(call: Call): Answer {
    refuseConditions(call);
    const { headers, raw } = call;
    if (headers['content-length'] === undefined) {
      throw refuse(411, 'HeaderMissing', 'The header Content-Length is missing.');
    }
    const parts = partsOf(raw, headers['content-type'] ?? '');
    const parameters = parts.get('UpdateParameters');
    const file = parts.get('UpdateFile');
    if (!parameters || !file) throw missingParameter('MultipartHttpPushUri', 'UpdateFile');
    const { Targets: targets } = JSON.parse(parameters.toString()) as Body;
    this.#checkTargets(targets);
    const task = this.tasks.begin(MULTIPART);
    setTimeout(() => this.#receive(file, task, targets, 'push'), this.board.quirks.updateTime).unref();
    return this.#accepted(task);
  }

  #accepted(task: LabTask): Answer {
    if (this.board.quirks.updateWithoutTask) return { status: 200, body: refuseNothing() };
    return { status: 202, headers: { Location: task.path }, body: taskBody(task) };
  }

  #checkTargets(targets: unknown): void {
    const { quirks, personality } = this.board;
    const named = Array.isArray(targets) ? targets : [];
    if (quirks.secondSystem && !named.includes(pathsOf(personality).system) && !named.some(isMember)) {
      throw refuse(400, 'ActionParameterMissing', 'Targets must name what is updated.');
    }
  }

  #receive(image: Buffer, task: LabTask, targets: unknown, by: 'pull' | 'push'): void {
    const [magic, component = '', version = ''] = (image.toString('latin1').split('\n', 1)[0] ?? '').split(
      ' ',
    );
    const { board } = this;
    const [target] = Array.isArray(targets) ? targets.filter(isMember) : [];
    const member =
      target === undefined ? undefined : MEMBERS[target.split('/').at(-1) as keyof typeof MEMBERS];
    if (magic !== MAGIC || !board.firmware.has(component) || (member !== undefined && member !== component)) {
      this.#fail(task, component, 'The image is not valid for this machine.');
      return;
    }
    board.event({ kind: 'update', act: 'stored', component, by });
    const fails = board.faults.take('fails-update');
    if (fails) {
      this.#fail(task, component, fails.text);
      return;
    }
    const bricks = board.faults.take('bricks-update');
    if (bricks) {
      board.firmware.set(component, 'recovery');
      this.#fail(task, component, 'The flash could not be verified; the component runs its recovery image.');
      return;
    }
    if (component === 'bios' || component === 'nic') {
      this.#staged.push({ component, version, task });
      if (board.quirks.updateStaging === 'waits') task.state = 'Starting';
      else this.tasks.end(task, 'Completed', 'The image is stored; reset the system to apply it.');
      return;
    }
    if (component === 'bmc') {
      this.tasks.end(task, 'Completed', 'The BMC restarts with the new image.');
      this.#apply(component, version);
      board.restart();
      return;
    }
    this.#apply(component, version);
    this.tasks.end(task, 'Completed', 'The image was applied.');
  }

  /** At a start of the machine stored images are applied. */
  #start(): void {
    for (const { component, version, task } of this.#staged.splice(0)) {
      if (task.state === 'Starting') task.state = 'Running';
      setTimeout(() => {
        this.#apply(component, version);
        if (task.state === 'Running') this.tasks.end(task, 'Completed', 'The image was applied.');
      }, this.board.quirks.updateTime).unref();
    }
  }

  #apply(component: string, version: string): void {
    this.board.firmware.set(component, version);
    this.board.event({ kind: 'update', act: 'applied', component });
  }

  #fail(task: LabTask, component: string, text: string, id?: string): void {
    this.board.event({ kind: 'update', act: 'failed', component });
    this.tasks.end(task, 'Exception', text, id);
  }
}

const isMember = (target: unknown): target is string =>
  typeof target === 'string' && target.startsWith(`${INVENTORY}/`);

/** iDRAC refuses an action on a condition. */
function refuseConditions({ headers }: Call): void {
  if (headers['if-match'] === undefined) return;
  throw refuse(412, 'PreconditionFailed', 'The precondition of the request failed.');
}

function refuseNothing(): Body {
  return new Refusal(200, [
    { MessageId: 'Base.1.12.Success', Message: 'The request completed successfully.', Severity: 'OK' },
  ]).toBody(false);
}

/** The parts of multipart/form-data (RFC 7578) by name. */
function partsOf(raw: Buffer, type: string): Map<string, Buffer> {
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(type)?.[1];
  const parts = new Map<string, Buffer>();
  if (boundary === undefined) return parts;
  const mark = Buffer.from(`--${boundary}`);
  for (let at = raw.indexOf(mark); at >= 0; ) {
    const next = raw.indexOf(mark, at + mark.length);
    if (next < 0) break;
    const part = raw.subarray(at + mark.length + 2, next - 2);
    const end = part.indexOf('\r\n\r\n');
    const name = /name="([^"]*)"/.exec(part.subarray(0, Math.max(end, 0)).toString())?.[1];
    if (name !== undefined) parts.set(name, part.subarray(end + 4));
    at = next;
  }
  return parts;
}

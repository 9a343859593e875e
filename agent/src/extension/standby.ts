import type { AgentLog } from '../agent-log.js';
import type { Command, CommandContext, Extension } from '../command-board.js';
import { commandExecution, deployment, deviceNotFound, messageOf } from '../error.js';
import { type ImageInfo, parseImageInfo } from '../image/image-info.js';
import type { WriteImageTools } from '../image/transfer.js';
import { writeImage } from '../image/write-image.js';
import type { Machine } from '../machine/machine.js';
import type { NodeCache } from '../node-cache.js';
import { runProgram } from '../run-program.js';

export interface StandbyTools {
  machine: Machine;
  node: NodeCache;
  log: AgentLog;
  imageTools: () => WriteImageTools;
}

/** Milliseconds for the answer to reach the conductor before the machine stops. */
const ANSWER_MS = 500;

export class Standby {
  private cachedImage: string | undefined;
  private partitionUuids: Record<string, string> = {};

  constructor(private readonly tools: StandbyTools) {}

  extension(): Extension {
    return {
      prepare_image: {
        kind: 'async',
        validate: (params) => void parseImageInfo(params['image_info']),
        run: async (params, context) => this.prepareImage(params, context),
      },
      get_partition_uuids: sync(async () => ({ ...this.partitionUuids })),
      sync: sync(async () => {
        await this.flush();
        return null;
      }),
      power_off: leave('power off', () => this.tools.machine.powerOff(), this.tools.log),
      run_image: leave('reboot', () => this.tools.machine.reboot(), this.tools.log),
    };
  }

  /** @returns upstream's sentence, which conductors log */
  async prepareImage(params: Readonly<Record<string, unknown>>, context: CommandContext): Promise<string> {
    const image = parseImageInfo(params['image_info']);
    const given = params['configdrive'] ?? image.configdrive;
    const configDrive = typeof given === 'string' && given !== '' ? given : undefined;
    if (given !== undefined && given !== null && given !== '' && typeof given !== 'string') {
      throw commandExecution('configdrive must be a string: base64 of a gzipped image, or a URL');
    }
    const device = this.tools.node.rootDevice();
    if (device.readOnly) throw deviceNotFound(`The root device ${device.name} is read-only.`);
    if (this.tools.node.arrayOf(device)) refuseUnbootable(device.name, image, this.tools.machine.bootMode());
    this.cachedImage = undefined;
    this.partitionUuids = {};
    const written = await writeImage(image, configDrive, device, this.tools.imageTools(), context);
    this.cachedImage = image.id;
    const { espUuid } = written;
    this.partitionUuids = {
      'root uuid': written.rootUuid,
      ...(espUuid === undefined ? {} : { 'efi system partition uuid': espUuid }),
    };
    const words = `image (${image.id}) written to device ${written.device} root_uuid=${written.rootUuid}`;
    return espUuid === undefined ? words : `${words} efi_system_partition_uuid=${espUuid}`;
  }

  /** Id of the image on the disk, complete and verified. */
  get imageOnDisk(): string | undefined {
    return this.cachedImage;
  }

  private async flush(): Promise<void> {
    try {
      await runProgram('sync', []);
    } catch (error) {
      throw commandExecution(`Flushing file system buffers failed: ${messageOf(error)}`, { cause: error });
    }
    for (const { name } of this.tools.machine.listBlockDevices()) {
      await runProgram('blockdev', ['--flushbufs', name]).catch((error: unknown) =>
        this.tools.log.say(`cannot flush buffers of ${name}: ${messageOf(error)}`),
      );
    }
  }
}

/** Checked before anything is written: firmware can start from an array only what this agent puts beside it. */
function refuseUnbootable(device: string, image: ImageInfo, mode: 'bios' | 'uefi'): void {
  const what =
    mode === 'bios'
      ? 'a machine that starts by BIOS'
      : image.image_type === 'partition'
        ? 'a partition image'
        : undefined;
  if (what === undefined) return;
  throw deployment(
    `The root device ${device} is software RAID: this agent makes whole-disk images start from it by UEFI, not ${what}.`,
  );
}

function sync(run: Command['run']): Command {
  return { kind: 'sync', run };
}

/** Ends at once, so that the answer and the heartbeat are sent; the machine stops afterwards. */
function leave(what: string, act: () => Promise<void>, log: AgentLog): Command {
  return {
    kind: 'async',
    run: async () => {
      setTimeout(() => {
        log.say(what);
        act().catch((error: unknown) => log.say(`${what} failed: ${messageOf(error)}`));
      }, ANSWER_MS);
      return null;
    },
  };
}

import type { AgentLog } from '../agent-log.js';
import type { CommandContext, Extension } from '../command-board.js';
import { type EraseWishes, eraseDevice, eraseWishes } from '../disk/erase.js';
import { eraseMetadata } from '../disk/erase-metadata.js';
import { rereadPartitions } from '../disk/partition-table.js';
import { ataSecureErase, erasesWithin, nvmeFormat } from '../disk/secure-erase.js';
import { refuseSharedStorage } from '../disk/special-partition.js';
import { AgentError, blockDeviceErase, messageOf } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import type { NodeCache } from '../node-cache.js';
import type { SoftwareRaid } from '../raid/software-raid.js';
import { raidSteps } from './raid.js';
import { type OfferedStep, stepExtension } from './step.js';

export interface CleanTools {
  node: NodeCache;
  log: AgentLog;
  guardSpecialFilesystems: boolean;
  raid: SoftwareRaid;
}

/** Priorities are upstream's. Conductors run the highest first: metadata, then erase_devices. */
export function cleanExtension(tools: CleanTools): Extension {
  const common = { interface: 'deploy', reboot_requested: false, abortable: true };
  const steps: OfferedStep[] = [
    {
      step: 'erase_devices',
      priority: 10,
      ...common,
      run: async (_args, _node, context) => eraseAll(tools, context),
    },
    {
      step: 'erase_devices_metadata',
      priority: 99,
      ...common,
      run: async () => {
        await eraseAllMetadata(tools);
        return null;
      },
    },
    {
      step: 'erase_devices_express',
      priority: 0,
      ...common,
      run: async () => {
        await eraseExpress(tools);
        return null;
      },
    },
  ];
  return stepExtension('clean', [...steps, ...raidSteps(tools.raid)], tools.node);
}

/** Tries every disk; the error names all failures. @throws AgentError */
export async function eraseAllMetadata(tools: CleanTools): Promise<void> {
  await each(tools, 'Failed to erase the metadata on the device(s)', async (device) => {
    await eraseMetadata(device);
    tools.log.say(`metadata of ${device.name} (${device.size} bytes) erased`);
  });
}

/** Longest own erase of a disk, in minutes, that an express erase starts. */
const EXPRESS_MINUTES = 30;

/** Disks with a fast erase of their own are erased; on all others, and after a failure, metadata is erased. */
async function eraseExpress(tools: CleanTools): Promise<void> {
  const wishes = eraseWishes((key) => tools.node.internal(key));
  await each(tools, 'Failed to conduct an express erase on the device(s)', async (device) => {
    try {
      if (await eraseSoon(device, wishes)) {
        await rereadPartitions(device.name);
        return tools.log.say(`${device.name}: erased by the disk itself`);
      }
    } catch (error) {
      tools.log.say(`${messageOf(error)}; erasing its metadata instead`);
    }
    await eraseMetadata(device);
  });
}

async function eraseSoon(device: BlockDevice, wishes: EraseWishes): Promise<boolean> {
  if (device.tran === 'nvme') {
    if (!wishes.nvmeSecureErase) return false;
    await nvmeFormat(device.name);
    return true;
  }
  const ata = device.tran === 'sata' || device.tran === 'sas';
  if (!ata || !wishes.ataSecureErase || !(await erasesWithin(device.name, EXPRESS_MINUTES))) return false;
  return ataSecureErase(device.name);
}

/** @returns null for each device, as in upstream */
async function eraseAll(tools: CleanTools, context: CommandContext): Promise<Record<string, null>> {
  const devices = tools.node.disks();
  for (const device of devices) await guard(tools, device);
  const wishes = eraseWishes((key) => tools.node.internal(key));
  const wanted = Number(tools.node.internal('disk_erasure_concurrency') ?? 1);
  const lanes = Number.isInteger(wanted) && wanted > 0 ? wanted : 1;
  const passes = wishes.iterations + (wishes.zeroize ? 1 : 0);
  const progress = new EraseProgress(devices, passes, tools.log, context);
  const queue = [...devices];
  const failures: unknown[] = [];
  await Promise.all(
    Array.from({ length: Math.min(lanes, queue.length) }, async () => {
      for (let device = queue.shift(); device; device = queue.shift()) {
        await eraseOne(device, wishes, tools, progress).catch((error: unknown) => failures.push(error));
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return Object.fromEntries(devices.map((device) => [device.name, null]));
}

async function eraseOne(
  device: BlockDevice,
  wishes: EraseWishes,
  tools: CleanTools,
  progress: EraseProgress,
): Promise<void> {
  await eraseDevice(device, wishes, tools.log, (done, total) => progress.at(device, done, total));
  progress.over(device);
}

/** One line per disk and 5 %; for the API, bytes of all disks and passes, and the time left at the average speed. */
class EraseProgress {
  private readonly done: Map<string, { bytes: number; total: number; percent: number }>;
  private readonly since = performance.now();

  constructor(
    devices: readonly BlockDevice[],
    passes: number,
    private readonly log: AgentLog,
    private readonly context: CommandContext,
  ) {
    this.done = new Map(
      devices.map((device) => [device.name, { bytes: 0, total: device.size * passes, percent: 0 }]),
    );
  }

  at(device: BlockDevice, bytes: number, total: number): void {
    const percent = Math.floor((bytes / total) * 100);
    const before = this.done.get(device.name)?.percent ?? 0;
    this.done.set(device.name, { bytes, total, percent });
    this.context.progress({
      phase: 'erase',
      ...this.sum(),
      percent: Object.fromEntries([...this.done].map(([name, one]) => [name, one.percent])),
    });
    if (Math.floor(percent / 5) > Math.floor(before / 5)) this.log.say(`erase ${device.name}: ${percent} %`);
  }

  /** Marks a disk as complete that erased itself or is left as it is. */
  over(device: BlockDevice): void {
    const before = this.done.get(device.name);
    if (before) this.done.set(device.name, { ...before, bytes: before.total, percent: 100 });
  }

  private sum() {
    const all = [...this.done.values()];
    const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
    const total = all.reduce((sum, one) => sum + one.total, 0);
    const seconds = (performance.now() - this.since) / 1000;
    return { bytes, total, seconds_left: bytes > 0 ? Math.ceil(((total - bytes) / bytes) * seconds) : null };
  }
}

async function each(
  tools: CleanTools,
  failed: string,
  act: (device: BlockDevice) => Promise<void>,
): Promise<void> {
  const devices = tools.node.disks().filter((device) => {
    if (device.readOnly) tools.log.say(`${device.name} is read-only and is left as it is`);
    return !device.readOnly;
  });
  // All disks are checked before the first is changed.
  for (const device of devices) await guard(tools, device);
  const failures: string[] = [];
  for (const device of devices) {
    await act(device).catch((error: unknown) => failures.push(`"${device.name}": ${messageOf(error)}`));
  }
  if (failures.length > 0) throw blockDeviceErase(`${failed}: ${failures.join('; ')}`);
}

async function guard(tools: CleanTools, device: BlockDevice): Promise<void> {
  if (!tools.guardSpecialFilesystems || tools.node.internal('wipe_special_filesystems') === false) return;
  try {
    await refuseSharedStorage(device);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw blockDeviceErase(`${device.name} could not be examined: ${messageOf(error)}`, { cause: error });
  }
}

import type { AgentLog } from '../agent-log.js';
import type { CommandContext, Extension } from '../command-board.js';
import { type EraseWishes, eraseDevice, eraseWishes } from '../disk/erase.js';
import { eraseMetadata } from '../disk/erase-metadata.js';
import { rereadPartitions } from '../disk/partition-table.js';
import { ataSecureErase, erasesWithin, nvmeFormat } from '../disk/secure-erase.js';
import { refuseSharedStorage } from '../disk/special-partition.js';
import { AgentError, blockDeviceErase, messageOf } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import { byAnyPath, diskUnits } from '../machine/disk-unit.js';
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
  const units = diskUnits(devices);
  for (const unit of units) await guard(tools, unit);
  const wishes = eraseWishes((key) => tools.node.internal(key));
  const wanted = Number(tools.node.internal('disk_erasure_concurrency') ?? 1);
  const lanes = Number.isInteger(wanted) && wanted > 0 ? wanted : 1;
  const passes = wishes.iterations + (wishes.zeroize ? 1 : 0);
  const disks = units.flatMap(([first]) => first ?? []);
  const progress = new EraseProgress(disks, passes, tools.log, context);
  const queue = [...units];
  const failures: unknown[] = [];
  await Promise.all(
    Array.from({ length: Math.min(lanes, queue.length) }, async () => {
      for (let unit = queue.shift(); unit; unit = queue.shift()) {
        await eraseOne(unit, wishes, tools, progress).catch((error: unknown) => failures.push(error));
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return Object.fromEntries(devices.map((device) => [device.name, null]));
}

async function eraseOne(
  unit: readonly BlockDevice[],
  wishes: EraseWishes,
  tools: CleanTools,
  progress: EraseProgress,
): Promise<void> {
  const [disk] = unit as [BlockDevice];
  await overPaths(tools, unit, (path) =>
    eraseDevice(path, wishes, tools.log, (done, total) => progress.at(disk, done, total)),
  );
  progress.over(disk);
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
  const units = diskUnits(devices);
  for (const unit of units) await guard(tools, unit);
  const failures: string[] = [];
  for (const unit of units) {
    const names = unit.map(({ name }) => `"${name}"`).join(', ');
    await overPaths(tools, unit, act).catch((error: unknown) =>
      failures.push(`${names}: ${messageOf(error)}`),
    );
  }
  if (failures.length > 0) throw blockDeviceErase(`${failed}: ${failures.join('; ')}`);
}

/** The kernel has a partition table of its own for each path: those of the paths that were not used are outdated. */
async function overPaths(
  tools: CleanTools,
  unit: readonly BlockDevice[],
  act: (path: BlockDevice) => Promise<void>,
): Promise<void> {
  let used: BlockDevice | undefined;
  await byAnyPath(
    unit,
    async (path) => {
      await act(path);
      used = path;
    },
    ({ name }, error) =>
      tools.log.say(`${name} is a path of a disk that works by another: ${messageOf(error)}`),
  );
  for (const path of unit) {
    if (path === used) continue;
    await rereadPartitions(path.name).catch((error: unknown) =>
      tools.log.say(`${path.name}, another path of ${used?.name}, was not read again: ${messageOf(error)}`),
    );
  }
}

async function guard(tools: CleanTools, unit: readonly BlockDevice[]): Promise<void> {
  if (!tools.guardSpecialFilesystems || tools.node.internal('wipe_special_filesystems') === false) return;
  let found: AgentError | undefined;
  try {
    await byAnyPath(
      unit,
      async (path) => {
        // What is found on the disk is no fault of the path.
        await refuseSharedStorage(path).catch((error: unknown) => {
          if (!(error instanceof AgentError)) throw error;
          found = error;
        });
      },
      ({ name }, error) => tools.log.say(`${name} could not be examined: ${messageOf(error)}`),
    );
  } catch (error) {
    throw blockDeviceErase(`${unit[0]?.name} could not be examined: ${messageOf(error)}`, { cause: error });
  }
  if (found) throw found;
}

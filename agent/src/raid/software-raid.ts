import { asksSoftwareRaid, softwareRaid } from '../../../src/domain/hardware/software-raid.js';
import { type UncheckedObject } from '../../../src/protocol/agent/malformed-body.js';
import { isObject } from '../../../src/protocol/json.js';
import type { AgentLog } from '../agent-log.js';
import { eraseMetadata } from '../disk/erase-metadata.js';
import { QUIETLY, rereadPartitions } from '../disk/partition-table.js';
import { messageOf, softwareRaidError } from '../error.js';
import type { BlockDevice } from '../machine/block-device.js';
import type { Machine } from '../machine/machine.js';
import type { NodeCache } from '../node-cache.js';
import { assembleArrays, type RaidArray, type Run, readArrays } from './arrays.js';
import { partitionScript, planRaid, type RaidPlan } from './layout.js';

export interface RaidTools {
  machine: Pick<Machine, 'bootMode'>;
  node: NodeCache;
  log: AgentLog;
  run: Run;
  /** Erases disks and makes the kernel reread them; replaced in tests. */
  disk?: { erase(disk: BlockDevice): Promise<void>; reread(device: string): Promise<void> };
  sys?: string;
}

const REAL = { erase: eraseMetadata, reread: rereadPartitions };

/** Software RAID by mdadm, as in upstream's agent (ironic_python_agent/hardware.py, GenericHardwareManager). */
export class SoftwareRaid {
  constructor(private readonly tools: RaidTools) {}

  /**
   * @param config in the node's usual form; without software RAID nothing is done
   * @returns the created configuration, with the hint for its root volume
   * @throws AgentError SoftwareRAIDError
   */
  async create(config: unknown, node: UncheckedObject): Promise<UncheckedObject> {
    if (!isObject(config) || Object.keys(config).length === 0 || !asksSoftwareRaid(config)) return {};
    const plan = this.plan(config, node);
    for (const { disk, partitions } of plan.disks) {
      const script = partitionScript(plan.label, partitions, disk.logical_sectors);
      await this.attempt(
        `Failed to create partitions on ${disk.name}`,
        'sfdisk',
        [...QUIETLY, disk.name],
        script,
      );
      await this.disk.reread(disk.name);
    }
    const built: RaidArray[] = [];
    for (const [index, array] of plan.arrays.entries()) {
      const device = `/dev/md${index}`;
      await this.attempt(`Failed to create md device ${device} on ${array.members.join(' ')}`, 'mdadm', [
        ...['--create', device, '--force', '--run', '--metadata=1.2', '--level', array.level],
        ...['--name', array.name, '--raid-devices', String(array.members.length), ...array.members],
      ]);
      built.push(await this.whole(device, array.members));
      this.tools.log.say(`${device}: RAID ${array.level} "${array.name}" of ${array.members.join(', ')}`);
    }
    this.tools.node.knowArrays(await readArrays(this.tools.run, this.tools.sys));
    const hints = new Map(plan.arrays.map(({ wanted }, at) => [wanted as unknown, built[at]!.uuid]));
    const logical_disks = (config['logical_disks'] as UncheckedObject[]).map((disk) =>
      disk['is_root_volume'] === true ? { ...disk, root_device_hint: { serial: hints.get(disk)! } } : disk,
    );
    return { ...config, logical_disks };
  }

  /** Stops every array, and erases the RAID metadata on its disks. @throws AgentError SoftwareRAIDError */
  async delete(): Promise<void> {
    const { run, node, log, sys } = this.tools;
    const arrays = await assembleArrays(run, sys);
    node.knowArrays(arrays);
    const kept = arrays.filter((array) => node.keepsArray(array));
    if (kept.length > 0) {
      throw softwareRaidError(
        `properties.skip_block_devices keeps ${kept.map(({ device, name }) => `${device} (${name})`).join(', ')}: this ` +
          'agent deletes all arrays or none.',
      );
    }
    for (const { device, members } of arrays) {
      await run('wipefs', ['--all', '--force', device], { accept: [0, 1] });
      await this.attempt(`Failed to stop ${device}`, 'mdadm', ['--stop', device]);
      for (const member of members) {
        await this.attempt(`Failed to clear ${member}`, 'mdadm', ['--zero-superblock', member]);
      }
      log.say(`${device} deleted`);
    }
    const held = new Set(arrays.flatMap(({ disks }) => disks));
    for (const disk of node.allDisks().filter(({ readOnly }) => !readOnly)) {
      // Partitions first: they cannot be found after the disk is erased.
      for (const part of [...[...disk.partitions].reverse(), disk.name]) await this.forget(part);
      if (held.has(disk.name)) await this.disk.erase(disk);
    }
    const left = await readArrays(run, sys);
    node.knowArrays(left);
    if (left.length === 0) return;
    throw softwareRaidError(
      `Unable to clean all softraid correctly. Remaining ${left.map(({ device }) => device).join(', ')}`,
    );
  }

  private plan(config: UncheckedObject, node: UncheckedObject): RaidPlan {
    const { machine, node: cache } = this.tools;
    const mode = machine.bootMode();
    try {
      const logical = softwareRaid(config);
      const plan = planRaid(
        cache.allDisks().filter(({ readOnly }) => !readOnly),
        logical,
        { mode, label: mode === 'bios' && wantsMbr(node) ? 'dos' : 'gpt' },
      );
      const used = plan.disks.filter(({ disk }) => disk.partitions.length > 0 || cache.isInArray(disk));
      if (used.length === 0) return plan;
      const names = used.map(({ disk }) => disk.name).join(', ');
      throw softwareRaidError(`Partitions detected on devices ${names} during RAID config`);
    } catch (error) {
      throw error instanceof Error && error.name === 'SoftwareRAIDError'
        ? error
        : softwareRaidError(messageOf(error), { cause: error });
    }
  }

  private get disk() {
    return this.tools.disk ?? REAL;
  }

  /** mdadm continues without a member that it could not add. */
  private async whole(device: string, members: readonly string[]): Promise<RaidArray> {
    const array = (await readArrays(this.tools.run, this.tools.sys)).find((one) => one.device === device);
    const missing = members.filter((member) => !array?.members.includes(member));
    if (array && missing.length === 0) return array;
    throw softwareRaidError(`${device} was built without ${missing.join(', ')}`);
  }

  /** Removes the superblock of an old array; mdadm exits with 1 when there is none. */
  private async forget(device: string): Promise<void> {
    const { run } = this.tools;
    const { exitCode } = await run('mdadm', ['--examine', device], { accept: [0, 1] });
    if (exitCode === 0) await run('mdadm', ['--zero-superblock', device], { accept: [0, 1] });
  }

  private async attempt(what: string, file: string, args: readonly string[], input?: string): Promise<void> {
    try {
      await this.tools.run(file, args, input === undefined ? {} : { input });
    } catch (error) {
      throw softwareRaidError(`${what}: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** `disk_label:msdos` in the node's capabilities; any other label is GPT. */
function wantsMbr(node: UncheckedObject): boolean {
  const properties = node['properties'];
  const capabilities = isObject(properties) ? properties['capabilities'] : undefined;
  return typeof capabilities === 'string' && /(^|,)\s*disk_label:msdos\s*(,|$)/.test(capabilities);
}

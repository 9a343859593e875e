import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { AgentError } from './agent-error.js';
import { fetchText } from './http-client.js';
import { type ImageInfo, type WriteContext, writeImage } from './image-write.js';

export type Json = Record<string, unknown>;

export interface CommandContext extends WriteContext {
  /** The machine's actions after the response to the command. */
  powerOff(): void;
  reboot(): void;
  /** Names of executed steps and commands, in order. */
  done: string[];
}

export interface AgentCommand {
  /** 'sync' responds when done, 'async' responds RUNNING at once. */
  kind: 'sync' | 'async';
  run(params: Json, context: CommandContext): Promise<Json | string | null>;
}

const VERSION = { generic_hardware_manager: '1.2' };
const step = (name: string, priority: number, abortable = true): Json => ({
  step: name,
  priority,
  interface: 'deploy',
  reboot_requested: false,
  abortable,
});
const CLEAN_STEPS = [
  step('erase_devices_metadata', 99),
  step('erase_devices', 10),
  step('erase_devices_express', 0),
  step('erase_pstore', 0),
  step('clean_uefi_nvram', 0),
];
const DEPLOY_STEPS = [step('erase_devices_metadata', 0), step('write_image', 0), step('clean_uefi_nvram', 0)];

/** Commands that a conductor sends to an agent for deploying and cleaning, by upstream's extension and name. */
export const AGENT_COMMANDS: Readonly<Record<string, AgentCommand>> = {
  'clean.get_clean_steps': sync(() => ({
    clean_steps: { GenericHardwareManager: CLEAN_STEPS },
    hardware_manager_version: VERSION,
  })),
  'deploy.get_deploy_steps': sync(() => ({
    deploy_steps: { GenericHardwareManager: DEPLOY_STEPS },
    hardware_manager_version: VERSION,
  })),
  'clean.execute_clean_step': {
    kind: 'async',
    run: async (params, context) => {
      const clean = await runStep(params, params['clean_version'], context);
      return { clean_result: clean, clean_step: params['step'] };
    },
  },
  'deploy.execute_deploy_step': {
    kind: 'async',
    run: async (params, context) => {
      const deployed = await runStep(params, params['deploy_version'], context);
      return { deploy_result: deployed, deploy_step: params['step'] };
    },
  },
  'standby.prepare_image': {
    kind: 'async',
    run: async (params, context) => {
      await writeConfigDrive(params['configdrive'], context);
      return writeImage(params['image_info'] as ImageInfo, context);
    },
  },
  'standby.sync': sync(() => null),
  // Empty after a whole-disk image.
  'standby.get_partition_uuids': { kind: 'sync', run: async (_, context) => ({ ...context.partitions }) },
  'standby.power_off': {
    kind: 'async',
    run: async (_, context) => {
      context.powerOff();
      return null;
    },
  },
  'standby.run_image': {
    kind: 'async',
    run: async (_, context) => {
      context.reboot();
      return null;
    },
  },
  'image.install_bootloader': {
    kind: 'async',
    run: async (params, context) => {
      const root = context.partitions['root uuid'];
      if (root === undefined) return null;
      if (params['root_uuid'] !== root)
        throw new Error(`No partition with UUID ${String(params['root_uuid'])} found`);
      await context.disk.installBootLoader();
      return null;
    },
  },
  'log.collect_system_logs': sync(() => ({
    system_logs: gzipSync(Buffer.alloc(1024)).toString('base64'), // an empty tar archive
  })),
};

function sync(result: () => Json | null): AgentCommand {
  return { kind: 'sync', run: async () => result() };
}

async function runStep(params: Json, version: unknown, context: CommandContext): Promise<unknown> {
  const asked = params['step'] as { step?: string; args?: Json } | undefined;
  const name = asked?.step;
  if (name === undefined) throw new Error('Malformed step, no "step" key');
  if (version !== undefined && version !== null && JSON.stringify(version) !== JSON.stringify(VERSION))
    throw new AgentError(
      'VersionMismatch',
      500,
      'Hardware managers version mismatch, reload agent with correct version',
      `Current versions: ${JSON.stringify(VERSION)}, version used for step: ${JSON.stringify(version)}`,
    );
  const delay = context.faults.find('slow')?.delay;
  if (delay !== undefined) await sleep(delay, undefined, { signal: context.signal });
  if (context.faults.fails(name)) throw new Error(`step ${name} fails, as it was told to`);
  context.done.push(name);
  const args = { ...params, ...asked?.args };
  switch (name) {
    case 'erase_devices':
    case 'erase_devices_metadata':
    case 'erase_devices_express':
      await context.disk.erase();
      return null;
    case 'erase_pstore':
    case 'clean_uefi_nvram':
      return null;
    case 'write_image': {
      const words = await writeImage(args['image_info'] as ImageInfo, context);
      await writeConfigDrive(args['configdrive'], context);
      return { result: `prepare_image: ${words}` };
    }
    default:
      throw new Error(`Unknown step: ${name}`);
  }
}

/** Stores the config drive, base64 of a gzipped ISO or the URL of one, unchanged beside the disk for inspection. */
async function writeConfigDrive(drive: unknown, context: CommandContext): Promise<void> {
  if (typeof drive !== 'string' || drive === '') return;
  const { localAddress, signal } = context;
  const text = /^https?:/.test(drive)
    ? await fetchText(drive, { signal, ...(localAddress === undefined ? {} : { localAddress }) })
    : drive;
  await writeFile(`${context.disk.path}.config-2`, Buffer.from(text, 'base64'));
}

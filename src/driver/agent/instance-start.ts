import { FerricError } from '../../domain/errors.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { bootsInstanceByNetwork } from '../capabilities.js';
import { changedInternal, internalOf } from '../contract/internal-info.js';
import type { StepContext } from '../contract/step.js';
import { bootFromInstance } from '../machine-start.js';
import type { AgentCommand } from './agent-command.js';
import { type AgentClient, failureOf } from './client.js';

/** The agent's names of the UUIDs (ironic_python_agent/extensions/standby.py, get_partition_uuids). */
const ROOT_UUID = 'root uuid';
const ESP_UUID = 'efi system partition uuid';
const PREP_UUID = 'PReP Boot partition uuid';

export interface InstanceStartParts {
  client: AgentClient;
  command: AgentCommand;
  /** `whenItAnswers` of the deploy interface. */
  whenItAnswers(context: StepContext, act: () => Promise<StepOutcome>): Promise<StepOutcome>;
  /** Withdraws the ramdisk's boot files and the image that the conductor served. */
  finish(context: StepContext): Promise<void>;
}

/**
 * The step after write_image: makes the written system bootable, by its boot loader or from the network
 * (ironic/drivers/modules/agent.py, prepare_instance_boot).
 */
export class InstanceStart {
  constructor(private readonly parts: InstanceStartParts) {}

  async run(context: StepContext, mode: BootMode): Promise<StepOutcome> {
    const partition = internalOf(context.node).is_whole_disk_image === false;
    if (!partition) {
      // A whole-disk image contains its boot loader; only the UEFI boot entry is missing.
      return mode === 'bios' ? this.finish(context) : this.installBootloader(context, mode);
    }
    // Requested once; a step that is entered again finds the UUIDs saved.
    if (context.saved === null) {
      const asked = await this.parts.whenItAnswers(context, async () => {
        await this.keepUuids(context);
        return { is: 'done' };
      });
      if (asked.is !== 'done') return asked;
    }
    return bootsInstanceByNetwork(context.node)
      ? this.finish(context)
      : this.installBootloader(context, mode);
  }

  private async keepUuids(context: StepContext): Promise<void> {
    const record = await this.parts.client.call(context, 'standby.get_partition_uuids');
    const uuids = record.command_result ?? {};
    const uuid = (name: string) => {
      const value = uuids[name];
      // Untrusted text of the agent that goes onto a kernel command line and into an agent command.
      return typeof value === 'string' && /^[0-9A-Za-z-]{4,64}$/.test(value) ? value : null;
    };
    const root = uuid(ROOT_UUID);
    if (root === null) {
      throw new FerricError('agent-failed', 'The agent returned no UUID of the root partition it wrote.');
    }
    const driver_internal_info = changedInternal(context.node, {
      root_uuid_or_disk_id: root,
      partition_uuids: { esp: uuid(ESP_UUID), prep: uuid(PREP_UUID) },
    });
    await context.save({ driver_internal_info });
  }

  private installBootloader(context: StepContext, mode: BootMode): Promise<StepOutcome> {
    return this.parts.command.enter(context, {
      name: 'image.install_bootloader',
      params: async () => {
        const { root_uuid_or_disk_id, partition_uuids = {}, is_whole_disk_image } = internalOf(context.node);
        const partition = is_whole_disk_image === false;
        const { esp = null, prep = null } = partition ? partition_uuids : {};
        return {
          root_uuid: partition ? (root_uuid_or_disk_id ?? null) : null,
          efi_system_part_uuid: mode === 'uefi' ? esp : null,
          prep_boot_part_uuid: prep,
          target_boot_mode: mode,
        };
      },
      ended: async (record) => {
        if (record.command_status !== 'SUCCEEDED') throw failureOf(record);
        return this.finish(context);
      },
    });
  }

  private async finish(context: StepContext): Promise<StepOutcome> {
    await this.parts.finish(context);
    await bootFromInstance(context);
    return { is: 'done' };
  }
}

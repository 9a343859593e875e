import type { RedfishSettings } from '../../../config/section/redfish.js';
import { FerricError, messageOf } from '../../../domain/errors.js';
import type { Ramdisk } from '../../agent/ramdisk.js';
import type { ReadContext } from '../../contract/context.js';
import type { PropertyTable, Startable } from '../../contract/implementation.js';
import type { SteppedInterface } from '../../contract/interfaces.js';
import type { StepContext, StepDeclaration, StepKind } from '../../contract/step.js';
import type { RedfishMachines } from '../machine.js';
import { parseTarget, REDFISH_PROPERTIES } from '../target.js';
import type { FirmwareFiles } from './image-file.js';
import { readFirmware } from './service.js';
import { FirmwareUpdates, type FirmwareUpdatesParts } from './updates.js';

/** Versions of firmware and their updates by the UpdateService (Ironic: redfish/firmware.py). */
export class RedfishFirmware implements SteppedInterface {
  readonly name = 'redfish';
  readonly needs: Startable;
  readonly properties: PropertyTable = {
    ...REDFISH_PROPERTIES,
    firmware_update_unresponsive_bmc_wait:
      'Seconds without requests after the update of a component that is neither bios, bmc nor a network adapter. Optional',
  };
  readonly steps: readonly StepDeclaration[];
  private readonly updates: FirmwareUpdates;

  constructor(
    private readonly parts: {
      machines: RedfishMachines;
      settings: RedfishSettings;
      files: FirmwareFiles;
      ramdisk: Pick<Ramdisk, 'relaunch' | 'isBooting' | 'arrival'>;
      times?: NonNullable<FirmwareUpdatesParts['times']>;
    },
  ) {
    this.needs = parts.machines.client;
    this.updates = new FirmwareUpdates(parts);
    this.steps = [
      ...(['verify', 'clean'] as const).map((kind) => this.caching(kind)),
      ...(['clean', 'deploy', 'service'] as const).map((kind) => this.updating(kind)),
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info, context.node.driver_internal_info);
  }

  private updating(kind: StepKind): StepDeclaration {
    return {
      interface: 'firmware',
      name: 'update',
      kind,
      priority: 0,
      abortable: false,
      rerunnable: true,
      visible: true,
      requiresRamdisk: kind === 'clean',
      lastLook: true,
      args: {
        settings: {
          description: 'A list of dicts with firmware components to be updated',
          required: true,
        },
      },
      run: (context) => this.updates.run(context),
    };
  }

  /** Ironic reads the versions when a node is verified and when it is cleaned; a failure does not fail either. */
  private caching(kind: 'verify' | 'clean'): StepDeclaration {
    return {
      interface: 'firmware',
      name: 'cache_firmware_components',
      kind,
      priority: kind === 'verify' ? 70 : 200,
      abortable: true,
      rerunnable: true,
      visible: false,
      run: async (context) => {
        await this.cache(context);
        return { is: 'done' };
      },
    };
  }

  private async cache(context: StepContext): Promise<void> {
    try {
      const seen = await readFirmware(this.parts.machines.of(context));
      if (seen.length > 0) await context.save({ firmware_components: seen });
    } catch (error) {
      if (!(error instanceof FerricError) || context.signal.aborted) throw error;
      context.log.warn({ error: messageOf(error) }, 'the firmware versions could not be read');
    }
  }
}

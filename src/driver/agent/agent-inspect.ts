import { randomBytes } from 'node:crypto';
import { isIP } from 'node:net';
import type { InspectorSettings } from '../../config/section/inspector.js';
import { FerricError, InvalidError, messageOf } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import type { StepOutcome } from '../../domain/step/step.js';
import { parseKernelCommandLine } from '../../protocol/agent/kernel-parameters.js';
import { isPersistent } from '../boot-persistence.js';
import type { BootInterface } from '../contract/boot.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import {
  type Findings,
  type InspectedPort,
  type InspectInterface,
  type InspectionReport,
} from '../contract/inspect.js';
import { internalOf, withoutInternal } from '../contract/internal-info.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import {
  bootFrom,
  markOfCleanUp,
  markOfStep,
  powerOff,
  type ResetMark,
  startMachine,
} from '../machine-start.js';
import { forgetAgent } from './agent-node.js';
import { digest } from './inspection/digest.js';
import { fromNetwork, type Ramdisk } from './ramdisk.js';
import type { RamdiskLogs } from './ramdisk-logs.js';

export interface AgentInspectParts {
  ramdisk: Ramdisk;
  logs: RamdiskLogs;
  settings: InspectorSettings;
  /** When logs are kept: deploy.deploy_logs_collect. */
  collectLogs: 'always' | 'on_failure' | 'never';
  /** Base URL of the agent listener as machines see it; read when it is needed. */
  apiUrl: () => string;
  /** All addresses of a name; empty where it has none. */
  resolve: (name: string, signal: AbortSignal) => Promise<string[]>;
}

const OF_AN_INSPECTION = ['lookup_bmc_addresses', 'inspection_secret', 'inspection_refused'] as const;

const step = { interface: 'inspect', kind: 'inspect', rerunnable: true, visible: false } as const;

/**
 * Inspect interface `agent`: the ramdisk inspects its machine and reports by itself (Ironic:
 * drivers/modules/inspector/agent.py).
 */
export class AgentInspect implements InspectInterface {
  readonly name = 'agent';
  readonly byRamdisk = true;
  readonly properties = {};
  readonly steps: readonly StepDeclaration[];

  constructor(private readonly parts: AgentInspectParts) {
    this.steps = [
      {
        ...step,
        name: 'inspect_hardware',
        priority: 100,
        abortable: true,
        lastLook: true,
        run: (context) => this.inspect(context),
      },
      {
        ...step,
        name: 'tear_down_inspection',
        priority: 20,
        abortable: false,
        run: async (context) => {
          await this.tearDown(context, markOfStep(context));
          return { is: 'done' };
        },
      },
    ];
  }

  async validate(context: ReadContext & Partial<Pick<WorkContext, 'interfaces'>>): Promise<void> {
    parameters(this.parts.settings);
    const boot = context.interfaces?.boot;
    if (boot && isManaged(context, boot)) await boot.validate(context);
    else if (this.parts.settings.require_managed_boot) {
      throw new InvalidError(
        `Node ${context.node.uuid} does not have any port that boots from the network: create one, or set ` +
          'inspector.require_managed_boot to false where the site itself boots such machines into a ramdisk.',
      );
    }
  }

  async cleanUp(context: WorkContext): Promise<void> {
    await this.tearDown(context, markOfCleanUp(context));
  }

  async readReport(
    context: WorkContext,
    report: InspectionReport,
    before: { ports: readonly InspectedPort[]; inventory: JsonObject | null },
  ): Promise<Findings> {
    const { settings, collectLogs } = this.parts;
    const { logs, ...plugin_data } = report.plugin_data;
    const keep = async () => {
      if (typeof logs === 'string' && logs !== '') await this.keepLogs(context, logs);
    };
    try {
      const found = digest({
        node_uuid: context.node.uuid,
        inventory: report.inventory,
        before: before.inventory,
        properties: structuredClone(context.node.properties),
        plugin_data: structuredClone(plugin_data),
        ports: [...before.ports],
        settings,
        log: context.log,
      });
      if (collectLogs === 'always') await keep();
      return found;
    } catch (error) {
      if (collectLogs !== 'never') await keep();
      throw error;
    }
  }

  private async inspect(context: StepContext): Promise<StepOutcome> {
    const { ramdisk } = this.parts;
    if (ramdisk.isBooting(context.saved)) {
      const { inspection_refused: refused } = internalOf(context.node);
      if (refused !== undefined) {
        throw new FerricError('agent-failed', `The report of the ramdisk was refused: ${refused}`);
      }
      const reported = ({ node }: StepContext) => internalOf(node).inspection_reported_at !== undefined;
      return (await ramdisk.arrival(context, reported)) ?? { is: 'done' };
    }
    const addresses = await this.bmcAddresses(context);
    const managed = isManaged(context, context.interfaces.boot);
    // Only a ramdisk that received the boot files of this boot may report.
    const secret =
      managed && context.interfaces.boot.handsParameters ? randomBytes(24).toString('base64url') : null;
    return ramdisk.launch(
      context,
      async () => {
        if (!managed) return fromNetwork(context.node);
        return context.interfaces.boot.prepareRamdisk(context, {
          ...parameters(this.parts.settings),
          'ipa-inspection-callback-url': `${this.parts.apiUrl().replace(/\/$/, '')}/v1/continue_inspection${secret === null ? '' : `/${secret}`}`,
        });
      },
      { lookup_bmc_addresses: addresses, ...(secret === null ? {} : { inspection_secret: secret }) },
    );
  }

  private async tearDown(context: WorkContext, reset: ResetMark): Promise<void> {
    if (this.parts.settings.power_off) await powerOff(context);
    await context.interfaces.boot.cleanUpRamdisk(context);
    if (this.parts.settings.power_off && context.node.disable_power_off) {
      // The disk is right: the node has no instance that starts from anywhere else.
      await bootFrom(context, { device: 'disk', persistent: isPersistent(context.node, 'instance') });
      await startMachine(context, reset);
    }
    await forgetAgent(context);
    await context.save({ driver_internal_info: withoutInternal(context.node, OF_AN_INSPECTION) });
  }

  /** Every address that driver_info names, and the addresses of every name (inspect_utils._get_bmc_addresses). */
  private async bmcAddresses(context: DriverContext): Promise<string[]> {
    const { driver_info } = context.node;
    const bridged = !['no', undefined, null, ''].includes(driver_info['ipmi_bridging'] as string | undefined);
    const found = new Set<string>();
    for (const [name, value] of Object.entries(driver_info)) {
      if (!name.endsWith('_address') || typeof value !== 'string' || value === '') continue;
      if (name.startsWith('ipmi_') && bridged) continue; // the other end of a bridge is not this machine's BMC
      const host = hostOf(value);
      if (host === null) continue;
      found.add(host);
      if (isIP(host) !== 0) continue;
      for (const address of await this.parts.resolve(host, context.signal)) found.add(address);
    }
    return [...found].filter((address) => !/^127\.|^::1$|^localhost$/i.test(address));
  }

  private async keepLogs(context: WorkContext, logs: string): Promise<void> {
    try {
      await this.parts.logs.store(context, 'inspect', logs);
    } catch (error) {
      context.signal.throwIfAborted();
      context.log.warn({ error: messageOf(error) }, 'the ramdisk’s logs could not be stored');
    }
  }
}

function isManaged(context: ReadContext, boot: BootInterface): boolean {
  return boot.managesInspection?.(context) ?? true;
}

/** @throws InvalidError naming the parameter that is not allowed */
function parameters(settings: InspectorSettings): Record<string, string> {
  const given = Object.fromEntries(parseKernelCommandLine(settings.extra_kernel_params));
  return { ...(settings.force_dhcp ? { 'ipa-collect-lldp': '1' } : {}), ...given };
}

function hostOf(value: Json): string | null {
  const text = String(value);
  if (text.includes('//')) return URL.canParse(text) ? new URL(text).hostname.replace(/^\[|\]$/g, '') : null;
  return text.replace(/^\[|\]$/g, '');
}

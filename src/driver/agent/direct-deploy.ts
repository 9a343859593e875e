import type { DeploySettings } from '../../config/section/deploy.js';
import { InvalidError, isDatabaseAway, messageOf } from '../../domain/errors.js';
import type { BootMode } from '../../domain/node/boot-device.js';
import { parseRootDeviceHints } from '../../domain/root-device/hint.js';
import type { Json, StepOutcome } from '../../domain/step/step.js';
import { bootModeOf } from '../capabilities.js';
import type { DriverContext } from '../contract/context.js';
import type { DeployInterface, FailedWork } from '../contract/deploy.js';
import { Faults } from '../contract/faults.js';
import type { PropertyTable } from '../contract/implementation.js';
import type { StepContext, StepDeclaration, WorkContext } from '../contract/step.js';
import { declareSteps } from '../step-table.js';
import { AgentCleaning } from './agent-cleaning.js';
import { AgentCommand, isPassing } from './agent-command.js';
import { agentNode, agentPorts, eraseParameters, forgetAgent } from './agent-node.js';
import { type AgentClient, failureOf } from './client.js';
import type { InstanceImage } from './instance-image.js';
import { InstanceStart, setInstanceBootDevice } from './instance-start.js';
import { DEPLOYED_LAYOUT, layoutRecord } from './partition-image.js';
import { keepProgress, saveProgress } from './progress.js';
import { POWER_TIMEOUT, powerOff, Ramdisk } from './ramdisk.js';
import type { RamdiskLogs } from './ramdisk-logs.js';
import { readStepList } from './step-list.js';

const PROPERTIES: PropertyTable = {
  image_download_source:
    'Whether the agent fetches the image from its own URL (http) or from the conductor, which caches it (local). Optional.',
  image_http_proxy: 'URL of a proxy server for HTTP connections. Optional.',
  image_https_proxy: 'URL of a proxy server for HTTPS connections. Optional.',
  image_no_proxy:
    'A comma-separated list of host names, IP addresses and domain names (with optional :port) that will be excluded from proxying. Optional.',
  deploy_forces_oob_reboot:
    'Whether the node is powered off by its BMC after deployment instead of by its agent. Defaults to False. Optional.',
  force_persistent_boot_device:
    "Controls the persistency of boot order changes. 'Always' will make all changes persistent, 'Default' will make all but the final one upon instance deployment non-persistent, and 'Never' will make no persistent changes at all. Defaults to 'Default'. Optional.",
  agent_verify_ca:
    'Kept for clients of Ironic: the certificate that the agent itself reports is the one that is trusted. Only True is accepted. Optional.',
};

export interface DirectDeployParts {
  client: AgentClient;
  image: InstanceImage;
  logs: RamdiskLogs;
  settings: DeploySettings;
  /** Base URL of the agent listener as machines see it; asked when it is needed. */
  apiUrl: () => string;
  /** The conductor's callback timeouts in ms, 0: no limit; counted from each sign of life. */
  patience: { deploy: number; clean: number; service: number };
}

/** Deploy interface `direct`: the agent in the ramdisk writes the image (Ironic: drivers/modules/agent.py). */
export class DirectDeploy implements DeployInterface {
  readonly name = 'direct';
  readonly properties = PROPERTIES;
  readonly steps: readonly StepDeclaration[];
  private readonly parts: DirectDeployParts;
  private readonly ramdisk: Ramdisk;
  private readonly command: AgentCommand;
  private readonly cleaning: AgentCleaning;
  private readonly servicing: AgentCleaning;
  private readonly start: InstanceStart;

  constructor(parts: DirectDeployParts) {
    this.parts = parts;
    const interval = parts.settings.command_wait_interval * 1000;
    const { client, settings } = parts;
    this.ramdisk = new Ramdisk(client);
    this.command = new AgentCommand(client, { interval, patience: parts.patience.deploy });
    this.start = new InstanceStart({
      client,
      command: this.command,
      whenItAnswers: (context, act) => this.whenItAnswers(context, act),
      finish: async (context) => {
        await context.interfaces.boot.cleanUpRamdisk(context);
        await parts.image.remove(context.node);
      },
    });
    const { ramdisk } = this;
    const steps = (patience: number) =>
      new AgentCleaning({ client, settings, ramdisk, times: { interval, patience } });
    this.cleaning = steps(parts.patience.clean);
    this.servicing = steps(parts.patience.service);
    this.steps = declareSteps({
      prepare_deploy: async (context) => {
        await this.validate(context);
        await parts.image.prepare(context);
        return { is: 'done' };
      },
      deploy: (context) => this.bootForDeploy(context),
      write_image: (context) => this.writeImage(context),
      prepare_instance_boot: (context) => this.start.run(context, this.modeOf(context)),
      tear_down_agent: (context) => this.tearDownAgent(context),
      // The noop network interface has one network for everything.
      switch_to_tenant_network: async () => ({ is: 'done' }),
      boot_instance: (context) => this.bootInstance(context),
      prepare_cleaning: (context) => this.bootForCleaning(context),
      collect_clean_steps: (context) => this.cleaning.collect(context, 'clean'),
      tear_down_cleaning: (context) => this.tearDownCleaning(context),
      tear_down: (context) => this.tearDown(context),
      prepare_service: (context) => this.bootForService(context),
      collect_service_steps: (context) => this.servicing.collect(context, 'service'),
      tear_down_service: (context) => this.tearDownService(context),
      take_over: async (context) => {
        await context.interfaces.boot.prepareInstance(context);
        return { is: 'done' };
      },
    });
  }

  async validate(context: DriverContext): Promise<void> {
    const { node } = context;
    const faults = new Faults();
    faults.attempt(() => this.parts.image.validate(node));
    faults.attempt(() => this.modeOf(context));
    const hints = node.instance_info['root_device'] ?? node.properties['root_device'];
    if (!isAbsent(hints)) faults.attempt(() => void parseRootDeviceHints(hints));
    faults.attempt(() => flagOf(node.driver_info['deploy_forces_oob_reboot'], 'deploy_forces_oob_reboot'));
    const trusted = node.driver_info['agent_verify_ca'];
    if (!isAbsent(trusted) && !/^(true|1|yes|on)$/i.test(String(trusted))) {
      faults.add(
        'driver_info.agent_verify_ca: only True is supported, the agent’s own certificate is pinned',
      );
    }
    faults.throwAny();
  }

  runAgentStep(context: StepContext): Promise<StepOutcome> {
    return (context.operation.kind === 'service' ? this.servicing : this.cleaning).run(context);
  }

  async cleanUpFailure(context: WorkContext, operation: FailedWork): Promise<void> {
    const { settings, logs, image } = this.parts;
    const { kind } = operation;
    const attempt = async (what: string, act: () => Promise<void>) => {
      try {
        await act();
      } catch (error) {
        context.signal.throwIfAborted();
        if (isDatabaseAway(error)) throw error;
        context.log.warn({ what, error: messageOf(error) }, 'the failed work could not be cleaned up wholly');
      }
    };
    if (kind === 'service' && context.node.driver_internal_info[SERVICE_RAMDISK] !== true) return;
    if (settings.deploy_logs_collect !== 'never') await logs.collect(context, kind);
    if (kind === 'service' && operation.aborted) {
      return attempt('instance', () => this.backToInstance(context));
    }
    await attempt('boot files', () => context.interfaces.boot.cleanUpRamdisk(context));
    await attempt('image', () => image.remove(context.node));
    // A step that failed may still be at a disk: Ironic too leaves that machine on (deploy_utils, tear_down_inband_cleaning).
    const off =
      (kind === 'deploy' && settings.power_off_after_deploy_failure) ||
      (kind === 'clean' && (settings.poweroff_in_cleanfail || !operation.executing || operation.aborted));
    if (!off || context.node.disable_power_off) return;
    await attempt('power', () => powerOff(context));
    await attempt('agent', () => forgetAgent(context));
  }

  private async bootForDeploy(context: StepContext): Promise<StepOutcome> {
    if (!this.ramdisk.isBooting(context.saved)) {
      return this.ramdisk.launch(context, async () => {
        await this.publishRamdisk(context);
        await this.parts.image.publish(context, this.modeOf(context));
      });
    }
    const waiting = await this.ramdisk.arrival(context);
    if (waiting) return waiting;
    // As upstream's conductor does: the agent learns of the node, its list is kept for whoever looks.
    return this.whenItAnswers(context, async () => {
      const list = await readStepList(this.parts.client, context, 'deploy');
      await context.save({ driver_internal_info: { ...context.node.driver_internal_info, ...list.kept } });
      return { is: 'done' };
    });
  }

  private writeImage(context: StepContext): Promise<StepOutcome> {
    const { driver_internal_info: internal } = context.node;
    return this.command.enter(context, {
      name: 'deploy.execute_deploy_step',
      params: async () => ({
        step: { interface: 'deploy', step: 'write_image', args: this.parts.image.writeArguments(context) },
        node: agentNode(
          context.node,
          // Upstream's agent lays partitions out by it, and takes nothing else that the instance says of its boot mode
          // (ironic_python_agent/utils.py, get_node_boot_mode).
          internal['is_whole_disk_image'] === false ? { deploy_boot_mode: this.modeOf(context) } : {},
        ),
        ports: agentPorts(context),
        deploy_version: internal['hardware_manager_version'] ?? null,
      }),
      running: (record) => keepProgress(context, record),
      ended: async (record) => {
        if (record.command_status !== 'SUCCEEDED') throw failureOf(record);
        await saveProgress(context, undefined);
        await this.keepLayout(context);
        return { is: 'done' };
      },
    });
  }

  /** Of the partitions that a rebuild may be asked to keep. */
  private async keepLayout(context: StepContext): Promise<void> {
    const { [DEPLOYED_LAYOUT]: _before, ...kept } = context.node.driver_internal_info;
    const layout =
      kept['is_whole_disk_image'] === false ? layoutRecord(context.node, this.parts.settings) : undefined;
    await context.save({
      driver_internal_info: { ...kept, ...(layout ? { [DEPLOYED_LAYOUT]: layout } : {}) },
    });
  }

  /** Disks flushed, then off: by the agent's hand, or by the BMC's when that does not come about. */
  private async tearDownAgent(context: StepContext): Promise<StepOutcome> {
    const { client, settings, logs } = this.parts;
    const interval = settings.post_deploy_get_power_state_retry_interval * 1000;
    const { power } = context.interfaces;
    const leave = async (): Promise<StepOutcome> => {
      await forgetAgent(context);
      return { is: 'done' };
    };
    const looks = looksOf(context.saved);
    if (looks === undefined) {
      return this.whenItAnswers(context, async () => {
        if (settings.deploy_logs_collect === 'always') await logs.collect(context, 'deploy');
        await client.call(context, 'standby.sync');
        // Such a machine is reset by the next step.
        if (context.node.disable_power_off) return leave();
        const byForce = flagOf(
          context.node.driver_info['deploy_forces_oob_reboot'],
          'deploy_forces_oob_reboot',
        );
        await context.checkpoint({
          phase: 'leaving',
          looks: byForce ? settings.post_deploy_get_power_state_retries : 0,
        });
        if (!byForce) await this.askToPowerOff(context);
        return {
          is: 'wait',
          for: 'poll',
          pollAfter: byForce ? 0 : Math.min(interval, 1_000),
          checkpoint: { phase: 'leaving', looks: byForce ? settings.post_deploy_get_power_state_retries : 0 },
        };
      });
    }
    if ((await power.getPowerState(context)) === 'power off') return leave();
    if (looks < settings.post_deploy_get_power_state_retries) {
      return {
        is: 'wait',
        for: 'poll',
        pollAfter: interval,
        checkpoint: { phase: 'leaving', looks: looks + 1 },
      };
    }
    await power.setPowerState(context, 'power off', POWER_TIMEOUT);
    return leave();
  }

  private async askToPowerOff(context: StepContext): Promise<void> {
    try {
      await this.parts.client.start(context, 'standby.power_off', {});
    } catch (error) {
      context.signal.throwIfAborted();
      // Many are gone before they have answered; one that is not is switched off by its BMC.
      context.log.info({ error: messageOf(error) }, 'the agent did not confirm that it powers off');
    }
  }

  private async bootInstance(context: StepContext): Promise<StepOutcome> {
    const target = context.node.disable_power_off ? 'rebooting' : 'power on';
    await context.interfaces.power.setPowerState(context, target, POWER_TIMEOUT);
    return { is: 'done' };
  }

  private async bootForCleaning(context: StepContext): Promise<StepOutcome> {
    if (!this.ramdisk.isBooting(context.saved)) {
      return this.ramdisk.launch(
        context,
        () => this.publishRamdisk(context),
        eraseParameters(this.parts.settings),
      );
    }
    return (await this.ramdisk.arrival(context)) ?? { is: 'done' };
  }

  private async tearDownCleaning(context: StepContext): Promise<StepOutcome> {
    if (this.parts.settings.deploy_logs_collect === 'always' && context.wake === 'start') {
      await this.parts.logs.collect(context, 'clean');
    }
    await powerOff(context);
    await context.interfaces.boot.cleanUpRamdisk(context);
    if (context.node.disable_power_off) {
      await context.interfaces.power.setPowerState(context, 'rebooting', POWER_TIMEOUT);
    }
    await forgetAgent(context);
    return { is: 'done' };
  }

  private async bootForService(context: StepContext): Promise<StepOutcome> {
    if (!this.ramdisk.isBooting(context.saved)) {
      // Told apart from a service that boots nothing: only behind this one the machine is started anew.
      const internal = { ...context.node.driver_internal_info, [SERVICE_RAMDISK]: true };
      await context.save({ driver_internal_info: internal });
      return this.ramdisk.launch(context, () => this.publishRamdisk(context));
    }
    return (await this.ramdisk.arrival(context)) ?? { is: 'done' };
  }

  private async tearDownService(context: StepContext): Promise<StepOutcome> {
    if (context.node.driver_internal_info[SERVICE_RAMDISK] === true) {
      const { logs, settings } = this.parts;
      if (settings.deploy_logs_collect === 'always' && context.wake === 'start') {
        await logs.collect(context, 'service');
      }
      await this.backToInstance(context);
    }
    return { is: 'done' };
  }

  /** From the ramdisk to the system on disk; run again after a crash it does so again. */
  private async backToInstance(context: WorkContext): Promise<void> {
    await powerOff(context);
    await context.interfaces.boot.cleanUpRamdisk(context);
    await context.interfaces.boot.prepareInstance(context);
    await setInstanceBootDevice(context);
    await forgetAgent(context);
    const target = context.node.disable_power_off ? 'rebooting' : 'power on';
    await context.interfaces.power.setPowerState(context, target, POWER_TIMEOUT);
    const { [SERVICE_RAMDISK]: _over, ...kept } = context.node.driver_internal_info;
    await context.save({ driver_internal_info: kept });
  }

  private async tearDown(context: StepContext): Promise<StepOutcome> {
    await powerOff(context);
    await context.interfaces.boot.cleanUpInstance(context);
    await this.parts.image.remove(context.node);
    await forgetAgent(context);
    const internal = context.node.driver_internal_info;
    const kept = Object.entries(internal).filter(([key]) => !OF_THE_INSTANCE.includes(key));
    await context.save({ driver_internal_info: Object.fromEntries(kept) });
    return { is: 'done' };
  }

  private publishRamdisk(context: StepContext): Promise<void> {
    return context.interfaces.boot.prepareRamdisk(context, { 'ipa-api-url': this.parts.apiUrl() });
  }

  /** An agent that does not answer just now is asked again; the step's deadline bounds it. */
  private async whenItAnswers(context: StepContext, act: () => Promise<StepOutcome>): Promise<StepOutcome> {
    try {
      return await act();
    } catch (error) {
      if (!isPassing(error)) throw error;
      context.log.info({ error: error.message }, 'the agent is asked again later');
      return { is: 'wait', for: 'poll', pollAfter: this.parts.settings.command_wait_interval * 1000 };
    }
  }

  private modeOf(context: DriverContext): BootMode {
    const mode = bootModeOf(context.node, this.parts.settings.default_boot_mode);
    if (!mode) throw new InvalidError('capabilities: boot_mode must be bios or uefi');
    return mode;
  }
}

/** What is gone with the instance. */
const OF_THE_INSTANCE = [
  ...['deploy_image', 'is_whole_disk_image', 'instance_boot', 'root_uuid_or_disk_id', 'partition_uuids'],
  DEPLOYED_LAYOUT,
];

/** Set in driver_internal_info while a service has the machine in the ramdisk. */
const SERVICE_RAMDISK = 'service_ramdisk';

function looksOf(saved: Json): number | undefined {
  if (typeof saved !== 'object' || saved === null || Array.isArray(saved)) return undefined;
  return saved['phase'] === 'leaving' && typeof saved['looks'] === 'number' ? saved['looks'] : undefined;
}

function flagOf(value: Json | undefined, field: string): boolean {
  if (isAbsent(value)) return false;
  const text = String(value).toLowerCase();
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true;
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(text)) return false;
  throw new InvalidError(`driver_info.${field} must be true or false`);
}

function isAbsent(value: Json | undefined): value is undefined | null | '' {
  return value === undefined || value === null || value === '';
}

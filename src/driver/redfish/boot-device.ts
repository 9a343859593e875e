import { FerricError, InvalidError, UnsupportedError } from '../../domain/errors.js';
import type { JsonObject } from '../../domain/json.js';
import type { BootDevice, BootMode } from '../../domain/node/boot-device.js';
import { pause } from '../../platform/pause.js';
import {
  allowedTargets,
  httpBootFault,
  isOverridden,
  OVERRIDE_DEVICES,
  type OverrideDevice,
  type OverridePlan,
  type OverrideWish,
  planNoHttpBoot,
  planOverride,
  readBoot,
  showsHttpBootUri,
} from '../../protocol/redfish/boot-override.js';
import { hasMessage } from '../../protocol/redfish/error-body.js';
import type { Differences } from '../../protocol/redfish/quirk.js';
import type { Resource } from '../../protocol/redfish/resource.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import { changedInternal, internalOf } from '../contract/internal-info.js';
import { RedfishError } from './faults.js';
import type { Read, RedfishMachine, RedfishMachines } from './machine.js';

interface Kept extends JsonObject {
  device: OverrideDevice;
  /** The URL of `uefihttp`: a secret, as the node's disc is behind it. null: the one that DHCP gives. */
  secret_uri: string | null;
  /** Another device was set for the next start: the next renewal leaves that one in place. */
  leaveNext: boolean;
}

/** ms between polls of an override that the BMC does not show yet. */
const LOOKS = [0, 1_000, 2_000, 3_000] as const;
const MOST_SENT = 5;

interface Seen {
  readonly system: Read & { path: string };
  readonly pending: { path: string; read: Read } | undefined;
  readonly differences: Differences;
}

/** Boot source overrides. */
export class RedfishBootDevice {
  constructor(private readonly machines: RedfishMachines) {}

  async get(context: ReadContext): Promise<{ boot_device: BootDevice | null; persistent: boolean | null }> {
    const kept = keptOf(context);
    if (kept && !kept.leaveNext) return { boot_device: kept.device, persistent: true };
    const { resource } = await this.machines.of(context).system();
    const { device, persistent } = readBoot(resource);
    if (kept && kept.device === device) return { boot_device: device, persistent: true };
    return { boot_device: device, persistent };
  }

  async set(context: DriverContext, device: BootDevice, persistent: boolean, uri?: string): Promise<void> {
    const known = OVERRIDE_DEVICES.find((one) => one === device);
    if (!known) {
      throw new InvalidError(
        `Invalid boot device ${device} specified, supported are ${OVERRIDE_DEVICES.join(', ')}.`,
      );
    }
    const machine = this.machines.of(context);
    const enabled = await this.override(
      machine,
      wishOf({ device: known, secret_uri: uri ?? null }, persistent),
    );
    await this.remember(context, { device: known, secret_uri: uri ?? null }, persistent, enabled === 'Once');
  }

  /** Takes the URL of UEFI HTTP boot away from the BMC, if it has one. */
  async clearHttpUri(context: DriverContext): Promise<void> {
    const machine = this.machines.of(context);
    const there = async () => {
      const { system, pending, differences } = await this.look(machine);
      const onSettings = pending !== undefined && showsHttpBootUri(pending.read.resource, undefined);
      const on = onSettings ? pending : { path: system.path, read: system };
      return { ...on, boot: planNoHttpBoot(on.read.resource, differences) };
    };
    const { path, read, boot } = await there();
    if (!boot) return;
    try {
      await machine.patch(path, { Boot: boot }, read.etag);
    } catch (error) {
      // After a missing answer, what the BMC shows decides.
      if (!(error instanceof RedfishError) || !error.unanswered || (await there()).boot) throw error;
    }
  }

  /** @throws UnsupportedError if the machine cannot be told the URL of its HTTP boot */
  async checkHttpUri(context: ReadContext): Promise<void> {
    const { system, pending, differences } = await this.look(this.machines.of(context));
    const fault = httpBootFault(system.resource, pending?.read.resource, differences);
    if (fault !== undefined) throw new UnsupportedError(noHttpBoot(fault));
  }

  /** Right before a start: sends a persistent device again to a BMC that keeps a device for one start only. */
  async renew(context: DriverContext): Promise<void> {
    const kept = keptOf(context);
    if (!kept) return;
    if (kept.leaveNext) await this.keep(context, { ...kept, leaveNext: false });
    else await this.override(this.machines.of(context), wishOf(kept, false));
  }

  /** Sets the mode of the next start through the override. @throws UnsupportedError if that cannot set it */
  async setMode(machine: RedfishMachine, mode: BootMode): Promise<void> {
    const { system, differences } = await this.look(machine);
    const now = readBoot(system.resource);
    if (differences.modeReadOnly) {
      throw new UnsupportedError('The BMC’s boot mode cannot be set by Redfish: a BIOS attribute has it.');
    }
    const value = mode === 'uefi' ? 'UEFI' : 'Legacy';
    const { target, enabled } = now;
    const whole = differences.bootPayload === 'whole' && target !== undefined && enabled !== undefined;
    const boot: Resource = {
      BootSourceOverrideMode: value,
      ...(whole ? { BootSourceOverrideTarget: target, BootSourceOverrideEnabled: enabled } : {}),
    };
    try {
      await machine.patch(system.path, { Boot: boot }, system.etag);
    } catch (error) {
      if (!(error instanceof RedfishError) || error.unanswered || now.mode !== undefined) throw error;
      throw new UnsupportedError(`The BMC tells no boot mode, and none can be set: ${error.message}`, {
        cause: error,
      });
    }
  }

  /** @returns the BootSourceOverrideEnabled that was set: Once holds for the next start only */
  private async override(machine: RedfishMachine, wish: OverrideWish): Promise<string> {
    let seen = await this.look(machine);
    if (typeof wish.httpBootUri === 'string' && seen.differences.noHttpBootUri) {
      throw new UnsupportedError(noHttpBoot('its firmware takes the URL by BIOS attributes only'));
    }
    let plan = planOrRefuse(wish, seen);
    const left = new Set<string>();
    for (let sent = 1; ; sent++) {
      const boot = Object.fromEntries(Object.entries(plan.boot).filter(([name]) => !left.has(name)));
      let refusal: RedfishError | undefined;
      try {
        const on =
          plan.onSettings && seen.pending ? seen.pending : { path: seen.system.path, read: seen.system };
        await machine.patch(on.path, { Boot: boot }, on.read.etag);
      } catch (error) {
        if (!(error instanceof RedfishError) || error.status === 401) throw error;
        if (error.status === undefined && !error.unanswered) throw error;
        refusal = error;
      }
      // Only what the BMC shows counts: a 400 may have set it, and a 200 may not.
      if (await this.isShown(machine, plan, refusal ? 1 : LOOKS.length)) return plan.enabled;
      if (sent >= MOST_SENT) throw refusal ?? notShown(plan);
      const next = refusal ? partToLeave(refusal, boot) : undefined;
      // Without its URL the machine would boot what DHCP names, or nothing.
      if (refusal && next === 'HttpBootUri' && typeof wish.httpBootUri === 'string') throw refusal;
      if (refusal && next === 'BootSourceOverrideEnabled' && plan.enabled === 'Continuous') {
        plan = planOrRefuse({ ...wish, persistent: false }, seen);
      } else if (next !== undefined) left.add(next);
      else if (refusal && !refusal.unanswered) throw refusal;
      else if (sent > 1) throw refusal ?? notShown(plan);
      else {
        seen = await this.look(machine);
        plan = planOrRefuse(wish, { ...seen, differences: { ...seen.differences, bootPayload: 'whole' } });
      }
    }
  }

  private async look(machine: RedfishMachine): Promise<Seen> {
    const system = await machine.system();
    const { differences } = await machine.differences(system.resource);
    return { system, pending: await machine.pending(system.resource), differences };
  }

  private async isShown(machine: RedfishMachine, plan: OverridePlan, looks: number): Promise<boolean> {
    for (const delay of LOOKS.slice(0, looks)) {
      if (delay > 0) await pause(delay, machine.caller.signal);
      const system = await machine.system();
      if (isOverridden(readBoot(system.resource), plan)) return true;
      if (!plan.onSettings) continue;
      const pending = await machine.pending(system.resource);
      if (pending && isOverridden(readBoot(pending.read.resource), plan)) return true;
    }
    return false;
  }

  private async remember(
    context: DriverContext,
    set: Pick<Kept, 'device' | 'secret_uri'>,
    persistent: boolean,
    once: boolean,
  ): Promise<void> {
    const kept = keptOf(context);
    if (persistent && once) {
      const { device } = set;
      context.log.warn({ device }, 'the BMC keeps a boot device for one start alone: it is told before each');
      await this.keep(context, { ...set, leaveNext: true });
    } else if (persistent && kept) await this.keep(context, undefined);
    else if (!persistent && kept) await this.keep(context, { ...kept, leaveNext: true });
  }

  private async keep(context: DriverContext, kept: Kept | undefined): Promise<void> {
    const redfish_boot_device = kept && { ...kept };
    await context.save({ driver_internal_info: changedInternal(context.node, { redfish_boot_device }) });
  }
}

function planOrRefuse(wish: OverrideWish, { system, pending, differences }: Seen): OverridePlan {
  const plan = planOverride(wish, system.resource, pending?.read.resource, differences);
  if (plan) return plan;
  const allowed = allowedTargets(system.resource, pending?.read.resource) ?? [];
  throw new UnsupportedError(
    `The BMC allows no boot from ${wish.device}; it allows ${allowed.filter((one) => one !== 'None').join(', ') || 'nothing'}.`,
  );
}

export function noHttpBoot(fault: string): string {
  return `This machine cannot be told where to boot from by HTTP: ${fault}.`;
}

function notShown(plan: OverridePlan): FerricError {
  return new FerricError(
    'bmc-failed',
    `The BMC answered that it set the boot device ${plan.target}, and shows another.`,
  );
}

/** The property that the service refused, if it names one that can be omitted or changed. */
function partToLeave(refusal: RedfishError, boot: Resource): string | undefined {
  const optional = ['BootSourceOverrideEnabled', 'BootSourceOverrideMode', 'HttpBootUri'];
  if (hasMessage(refusal.messages, 'InsufficientPrivilege')) return undefined;
  return optional.find(
    (name) =>
      name in boot &&
      boot[name] !== undefined &&
      refusal.messages.some(
        ({ properties, text }) => properties.some((one) => one.endsWith(name)) || text.includes(name),
      ),
  );
}

function keptOf(context: ReadContext): Kept | undefined {
  const { redfish_boot_device: kept } = internalOf(context.node);
  if (!kept) return undefined;
  const device = OVERRIDE_DEVICES.find((one) => one === kept['device']);
  const { secret_uri: uri } = kept;
  return (
    device && {
      device,
      secret_uri: typeof uri === 'string' ? uri : null,
      leaveNext: kept['leaveNext'] === true,
    }
  );
}

function wishOf(
  { device, secret_uri }: Pick<Kept, 'device' | 'secret_uri'>,
  persistent: boolean,
): OverrideWish {
  return { device, persistent, ...(device === 'uefihttp' ? { httpBootUri: secret_uri } : {}) };
}

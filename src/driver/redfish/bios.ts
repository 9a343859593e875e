import type { RedfishSettings } from '../../config/section/redfish.js';
import { FerricError, InvalidError, messageOf } from '../../domain/errors.js';
import { isObject, type Json, type JsonObject } from '../../domain/json.js';
import { isSecretKey } from '../../domain/secret-key.js';
import type { StepOutcome } from '../../domain/step/step.js';
import {
  biosSettings,
  checkAttributes,
  comparable,
  differing,
  isPastSetup,
  type Registry,
  unlike,
} from '../../protocol/redfish/bios.js';
import { wordsOf } from '../../protocol/redfish/error-body.js';
import { applyTimeAnnotation } from '../../protocol/redfish/settings.js';
import { readTask, taskOf } from '../../protocol/redfish/task.js';
import type { Ramdisk } from '../agent/ramdisk.js';
import type { DriverContext, ReadContext } from '../contract/context.js';
import type { Startable } from '../contract/implementation.js';
import type { SteppedInterface } from '../contract/interfaces.js';
import type { StepContext, StepDeclaration, StepKind } from '../contract/step.js';
import { type Bios, isOfStart, readBios, readBiosRegistry, readPending, resetBios } from './bios-resource.js';
import { RedfishError } from './faults.js';
import type { RedfishMachine, RedfishMachines } from './machine.js';
import { type RebootRecord, rebootRecordOf, StepReboot } from './step-reboot.js';
import { parseTarget, REDFISH_PROPERTIES } from './target.js';
import { taskFailure } from './tasks.js';

/** ms between two reads of the settings while they are applied. */
const LOOK = 5_000;
/** How often a PATCH is sent whose answers are lost while nothing of it is pending. */
const MOST_SENT = 3;
/** ms beyond the step's own limit: the step itself reports what is missing. */
const GRACE = 60_000;

/** The change under way, as the step's checkpoint holds it. */
interface Change extends JsonObject {
  phase: 'send' | 'reboot' | 'compare';
  /** null while the request is being sent. */
  reboot: RebootRecord | null;
  /** URI of the BMC's task, if it started one. */
  task: string | null;
  /** ms since 1970: when the settings must have been applied; null before the reboot. */
  until: number | null;
  /** Of a reset: the attributes before. */
  before: JsonObject;
  /** Of an application: the values that the BMC must show at the end, without passwords; absent in older checkpoints. */
  expected: JsonObject | null;
}

/** BIOS settings by the Bios resource and its settings object (Ironic: redfish/bios.py). */
export class RedfishBios implements SteppedInterface {
  readonly name = 'redfish';
  readonly needs: Startable;
  readonly properties = REDFISH_PROPERTIES;
  readonly steps: readonly StepDeclaration[];
  private readonly reboot: StepReboot;

  constructor(
    private readonly parts: {
      machines: RedfishMachines;
      settings: RedfishSettings;
      ramdisk: Pick<Ramdisk, 'relaunch' | 'isBooting' | 'arrival'>;
      /** ms between two reads; for tests. */
      interval?: number;
    },
  ) {
    this.needs = parts.machines.client;
    this.reboot = new StepReboot(parts);
    this.steps = [
      ...(['verify', 'clean'] as const).map((kind) => this.caching(kind)),
      ...(['clean', 'deploy', 'service'] as const).flatMap((kind) => [
        this.declare('apply_configuration', kind, (context) => this.apply(context), {
          settings: { description: 'A list of BIOS settings to be applied', required: true },
        }),
        this.declare('factory_reset', kind, (context) => this.factoryReset(context)),
      ]),
    ];
  }

  async validate(context: ReadContext): Promise<void> {
    parseTarget(context.node.driver_info, context.node.driver_internal_info);
  }

  private declare(
    name: string,
    kind: StepKind,
    run: StepDeclaration['run'],
    args: NonNullable<StepDeclaration['args']> = {},
  ): StepDeclaration {
    return {
      interface: 'bios',
      name,
      kind,
      priority: 0,
      abortable: false,
      rerunnable: true,
      visible: true,
      requiresRamdisk: false,
      lastLook: true,
      args,
      run,
    };
  }

  /** Ironic reads the settings when a node is verified and when it is cleaned; a failure does not fail either. */
  private caching(kind: 'verify' | 'clean'): StepDeclaration {
    return {
      interface: 'bios',
      name: 'cache_bios_settings',
      kind,
      priority: kind === 'verify' ? 80 : 210,
      abortable: true,
      rerunnable: true,
      visible: false,
      run: async (context) => {
        try {
          const machine = this.parts.machines.of(context);
          const bios = await readBios(machine);
          await cache(context, bios, await readBiosRegistry(machine, bios));
        } catch (error) {
          if (!(error instanceof FerricError) || context.signal.aborted) throw error;
          context.log.warn({ error: messageOf(error) }, 'the BIOS settings could not be read');
        }
        return { is: 'done' };
      },
    };
  }

  private async apply(context: StepContext): Promise<StepOutcome> {
    const machine = this.parts.machines.of(context);
    const kept = changeOf(context.saved);
    const asked = askedSettings(context.step.args['settings']);
    let change = kept;
    if (!change || change.phase === 'send') {
      const bios = await readBios(machine);
      const registry = await readBiosRegistry(machine, bios);
      const { attributes, faults } = checkAttributes(asked, bios.attributes, registry, isSecretKey);
      if (faults.length > 0) {
        throw new InvalidError(
          `The BIOS settings are refused, and nothing was changed: ${faults.join('; ')}`,
        );
      }
      const expected = comparable(attributes, registry, isSecretKey);
      change ??= { phase: 'send', reboot: null, task: null, until: null, before: {}, expected };
      // Committed before the PATCH: a value that is current right afterwards still needs the reboot.
      if (!kept && !(await this.isNeeded(machine, bios, attributes, expected))) {
        await cache(context, bios, registry);
        return { is: 'done' };
      }
      if (!kept) await context.checkpoint(change);
      const task = await this.send(machine, bios, attributes);
      change = { ...change, phase: 'reboot', task: task ?? null, reboot: await this.reboot.plan(context) };
      await context.checkpoint(change);
    }
    const turn = await this.rebooted(context, change, kept?.phase === 'reboot');
    if ('outcome' in turn) return turn.outcome;
    return this.compare(context, machine, turn.change, asked);
  }

  private async isNeeded(
    machine: RedfishMachine,
    bios: Bios,
    attributes: JsonObject,
    expected: JsonObject,
  ): Promise<boolean> {
    if (Object.keys(expected).length < Object.keys(attributes).length) return true; // a password cannot be compared
    if (Object.keys(differing(expected, bios.attributes)).length > 0) return true;
    const pending = await readPending(machine, bios);
    return Object.keys(onlyThose(differing(expected, pending), pending)).length > 0;
  }

  /** Sends the attributes that are not pending already. @returns the URI of the BMC's task, if it started one */
  private async send(
    machine: RedfishMachine,
    bios: Bios,
    attributes: JsonObject,
  ): Promise<string | undefined> {
    for (let sent = 1; ; sent++) {
      const left = differing(attributes, await readPending(machine, bios));
      const body = onlyThose(attributes, left);
      if (Object.keys(body).length === 0) return undefined;
      try {
        const answer = await machine.patch(bios.settings?.object ?? bios.path, {
          Attributes: body,
          ...applyTimeAnnotation(bios.settings, 'OnReset'),
        });
        return taskOf(answer);
      } catch (error) {
        // The pending values show whether it was carried out.
        if (!(error instanceof RedfishError) || !error.unanswered || sent >= MOST_SENT) throw error;
      }
    }
  }

  private async rebooted(
    context: StepContext,
    change: Change,
    begun: boolean,
  ): Promise<{ outcome: StepOutcome } | { change: Change }> {
    const record = rebootRecordOf(change.reboot);
    if (!record || change.phase !== 'reboot') return { change };
    const keep = (reboot: RebootRecord): Change => ({ ...change, reboot });
    const turn = await this.reboot.advance(context, record, begun, keep);
    if ('outcome' in turn) return turn;
    const until = Date.now() + this.parts.settings.bios_config_timeout * 1000;
    const next: Change = { ...keep(turn.record), phase: 'compare', until };
    await context.checkpoint(next);
    return { change: next };
  }

  /** The applied settings are compared with the requested ones; the difference fails the step. */
  private async compare(
    context: StepContext,
    machine: RedfishMachine,
    change: Change,
    asked: JsonObject,
  ): Promise<StepOutcome> {
    await this.refuseFailedTask(context, machine, change);
    const late = isLate(context, change);
    const seen = await this.tolerant(late, async () => {
      const bios = await readBios(machine);
      const expected = change.expected ?? (await expectedOf(machine, bios, asked));
      const left = differing(expected, bios.attributes);
      const same = Object.keys(left).length === 0;
      // The registry, megabytes of some services, is read at the end alone.
      if (!late && !(same && isPastSetup(bios.system))) return undefined;
      return { bios, registry: await readBiosRegistry(machine, bios), left, same };
    });
    if (!seen) return this.wait(change);
    await cache(context, seen.bios, seen.registry);
    await this.finish(context, change);
    if (seen.same) return { is: 'done' };
    throw await this.difference(machine, seen, asked, rebootRecordOf(change.reboot)?.unsure === true);
  }

  private async difference(
    machine: RedfishMachine,
    seen: { bios: Bios; registry: Registry | undefined; left: Record<string, Json | undefined> },
    asked: JsonObject,
    unsure: boolean,
  ): Promise<FerricError> {
    const { bios, registry, left } = seen;
    const pending = await readPending(machine, bios);
    const words = wordsOf(bios.settings?.messages ?? []);
    const told = Object.entries(left).map(([name, now]) => {
      const waits = Object.hasOwn(pending, name) && String(pending[name]) === String(asked[name]);
      return `${unlike(name, now, asked[name], registry)}${waits ? ' (still pending)' : ''}`;
    });
    return new FerricError(
      'bmc-failed',
      `The BIOS settings were sent, the machine ${unsure ? 'may not have been restarted' : 'was rebooted'}, and after ${this.parts.settings.bios_config_timeout} s ` +
        `they are not as requested: ${told.join('; ')}.${words === undefined ? '' : ` The BMC says: ${words}`}`,
    );
  }

  private async factoryReset(context: StepContext): Promise<StepOutcome> {
    const machine = this.parts.machines.of(context);
    const kept = changeOf(context.saved);
    let change = kept;
    if (!change || change.phase === 'send') {
      const bios = await readBios(machine);
      const before = comparable(bios.attributes, await readBiosRegistry(machine, bios), isSecretKey);
      change ??= { phase: 'send', reboot: null, task: null, until: null, before, expected: null };
      if (!kept) await context.checkpoint(change);
      // Entered again: a pending reset is not requested twice; a second request would have the same effect.
      const task = kept && bios.resetPending ? undefined : await resetBios(machine, bios);
      change = { ...change, phase: 'reboot', task: task ?? null, reboot: await this.reboot.plan(context) };
      await context.checkpoint(change);
    }
    const turn = await this.rebooted(context, change, kept?.phase === 'reboot');
    if ('outcome' in turn) return turn.outcome;
    return this.afterReset(context, machine, turn.change);
  }

  /** The defaults are in force once the BMC says so, or the attributes have changed. */
  private async afterReset(
    context: StepContext,
    machine: RedfishMachine,
    change: Change,
  ): Promise<StepOutcome> {
    await this.refuseFailedTask(context, machine, change);
    const late = isLate(context, change);
    const seen = await this.tolerant(late, async () => {
      const bios = await readBios(machine);
      const changed = Object.keys(differing(change.before, bios.attributes));
      const isReset = bios.resetPending === false || changed.length > 0;
      if (!late && !(isReset && isPastSetup(bios.system))) return undefined;
      return { bios, registry: await readBiosRegistry(machine, bios), changed };
    });
    if (!seen) return this.wait(change);
    await cache(context, seen.bios, seen.registry);
    await this.finish(context, change);
    if (seen.bios.resetPending) {
      throw new FerricError(
        'bmc-failed',
        `The reset of the BIOS is still pending ${this.parts.settings.bios_config_timeout} s after the machine was rebooted.`,
      );
    }
    const count = seen.changed.length;
    await context.tell(
      count === 0
        ? 'The BIOS was reset; no attribute changed its value.'
        : `The BIOS was reset; ${count} attributes changed: ${seen.changed.slice(0, 20).join(', ')}${count > 20 ? ', …' : ''}.`,
    );
    return { is: 'done' };
  }

  private async finish(context: StepContext, change: Change): Promise<void> {
    const record = rebootRecordOf(change.reboot);
    if (record) await this.reboot.restore(context, record);
  }

  private wait(change: Change): StepOutcome {
    const timeout = Math.max((change.until ?? Date.now()) - Date.now(), 0) + GRACE;
    return {
      is: 'wait',
      for: 'poll',
      pollAfter: this.parts.interval ?? LOOK,
      timeout,
      checkpoint: change,
    };
  }

  /** Until the settings are late, a BMC may be busy or away, and its system without a BIOS: it applies a change. */
  private async tolerant<T>(late: boolean, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (late || !isOfStart(error)) throw error;
      return undefined;
    }
  }

  private async refuseFailedTask(
    context: StepContext,
    machine: RedfishMachine,
    change: Change,
  ): Promise<void> {
    if (change.task === null) return;
    // A finished task may be deleted; the comparison decides then.
    const body = await this.tolerant(false, () => machine.find(change.task ?? undefined));
    if (!body) return;
    const task = readTask(body);
    if (task.end !== 'failed') return;
    await this.finish(context, change);
    throw taskFailure(change.task, task);
  }
}

/** For a checkpoint without them. An attribute that the BIOS no longer has is not as requested either. */
async function expectedOf(machine: RedfishMachine, bios: Bios, asked: JsonObject): Promise<JsonObject> {
  const registry = await readBiosRegistry(machine, bios);
  const { attributes } = checkAttributes(asked, bios.attributes, registry, isSecretKey);
  return comparable({ ...asked, ...attributes }, registry, isSecretKey);
}

async function cache(context: DriverContext, bios: Bios, registry: Registry | undefined): Promise<void> {
  await context.save({ bios_settings: biosSettings(bios.attributes, registry, isSecretKey) });
}

function isLate(context: StepContext, { until }: Change): boolean {
  return context.wake === 'deadline' || (until !== null && Date.now() >= until);
}

function onlyThose(attributes: Record<string, Json | undefined>, names: object): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).filter(
      (entry): entry is [string, Json] => Object.hasOwn(names, entry[0]) && entry[1] !== undefined,
    ),
  );
}

function changeOf(saved: Json): Change | undefined {
  return isObject(saved) && typeof saved['phase'] === 'string' ? (saved as Change) : undefined;
}

/** The step's argument: a list of name and value. @throws InvalidError */
function askedSettings(value: Json | undefined): JsonObject {
  const named = (item: Json): item is { name: string; value: Json } =>
    isObject(item) && typeof item['name'] === 'string' && item['name'] !== '' && 'value' in item;
  if (!Array.isArray(value) || value.length === 0 || !value.every(named)) {
    throw new InvalidError('settings must be a list of objects with name and value');
  }
  return Object.fromEntries(value.map((item) => [item.name, item.value]));
}

import type { RedfishSettings } from '../../../config/section/redfish.js';
import { FerricError, InvalidError, messageOf } from '../../../domain/errors.js';
import type { StepOutcome } from '../../../domain/step/step.js';
import type { TaskReading } from '../../../protocol/redfish/task.js';
import { isUnreached, isWaiting } from '../../../protocol/redfish/update.js';
import type { Ramdisk } from '../../agent/ramdisk.js';
import type { ReadContext } from '../../contract/context.js';
import type { StepContext } from '../../contract/step.js';
import type { RedfishMachine, RedfishMachines } from '../machine.js';
import { type RebootRecord, rebootRecordOf, StepReboot } from '../step-reboot.js';
import { lookAtTask, MISSING, taskFailure } from '../tasks.js';
import { askedUpdates, type FirmwareUpdate, fileNameOf } from './arguments.js';
import type { FirmwareFiles } from './image-file.js';
import { beginning, type Progress, progressOf } from './progress.js';
import { MOST_SENT, UpdateRequests } from './request.js';
import { isUsual, jobOf } from './service.js';
import { isChanged, readComponents, readVersions, resultText, saveVersions } from './versions.js';
import { enter, isFailure, Looks, type Turn, tolerant } from './wait.js';

export interface FirmwareUpdatesParts {
  machines: RedfishMachines;
  settings: RedfishSettings;
  files: FirmwareFiles;
  ramdisk: Pick<Ramdisk, 'relaunch' | 'isBooting' | 'arrival'>;
  /** ms; for tests. */
  times?: { look: number; evidence: number };
}

/** The updates of a step, one after another; none is repeated (Ironic: redfish/firmware.py). */
export class FirmwareUpdates {
  private readonly reboot: StepReboot;
  private readonly looks: Looks;
  private readonly requests: UpdateRequests;

  constructor(private readonly parts: FirmwareUpdatesParts) {
    const { settings, files, times } = parts;
    this.reboot = new StepReboot(parts);
    this.looks = new Looks(settings, times?.look);
    const evidence = times && { evidence: times.evidence };
    this.requests = new UpdateRequests({ settings, files, looks: this.looks, ...evidence });
  }

  async run(context: StepContext): Promise<StepOutcome> {
    const updates = askedUpdates(context.step.args['settings'], this.parts.files.rules);
    const saved = progressOf(context.saved);
    // A heartbeat wakes the step early.
    if (saved && context.wake !== 'deadline' && saved.due > Date.now()) {
      return this.looks.at(saved, saved.due).outcome;
    }
    let latest = saved;
    try {
      let progress = saved ?? (await this.begin(context, updates));
      for (;;) {
        latest = progress;
        this.refuseLate(context, progress);
        const turn = await this.advance(context, updates, progress, progress === saved);
        if (isOutcome(turn)) return turn.outcome;
        progress = turn;
      }
    } catch (error) {
      if (!isFailure(error, context)) throw error;
      const update = latest && updates[latest.at];
      const told = latest && update ? await this.failure(context, update, latest, error) : error;
      await this.removeFiles(context);
      throw told;
    }
  }

  /** Every image is fetched and judged before anything is sent. */
  private async begin(context: StepContext, updates: readonly FirmwareUpdate[]): Promise<Progress> {
    const machine = this.parts.machines.of(context);
    for (const [at, update] of updates.entries()) {
      try {
        await this.requests.check(context, machine, update, { at });
      } catch (error) {
        throw isFailure(error, context) ? notBegun(update, error) : error;
      }
    }
    const before = await readVersions(machine, updates);
    return enter(context, beginning({ at: 0, began: Date.now(), before, wasOff: false }));
  }

  private advance(
    context: StepContext,
    updates: readonly FirmwareUpdate[],
    progress: Progress,
    entered: boolean,
  ): Promise<Turn> {
    const update = updates[progress.at];
    if (!update) throw new InvalidError('settings changed while the step was under way');
    const machine = this.parts.machines.of(context);
    switch (progress.phase) {
      case 'stage':
        return this.requests.send(context, machine, update, progress);
      case 'send':
        return this.requests.afterLoss(context, machine, update, progress);
      case 'task':
        return this.follow(context, machine, update, progress);
      case 'reboot':
        return this.rebooting(context, progress, entered);
      case 'settle':
        return this.settle(context, machine, { updates, update }, progress);
      case 'pause':
        return this.pause(context, machine, { updates, update }, progress);
    }
  }

  private async follow(
    context: StepContext,
    machine: RedfishMachine,
    update: FirmwareUpdate,
    progress: Progress,
  ): Promise<Turn> {
    const { task } = progress;
    if (task === null) return this.followUntold(context, machine, update, progress);
    const look = await tolerant(async () => ({
      reading: (await lookAtTask(machine, task)) ?? (await jobOf(machine, task)),
    }));
    if (!look) return this.looks.status(progress);
    const { reading } = look;
    if (!reading) {
      // Deleted at its end: the version decides.
      if (progress.seen) return this.over(context, machine, update, progress);
      const missing = progress.missing + 1;
      if (missing < MISSING) return this.looks.soon({ ...progress, missing });
      return this.followUntold(context, machine, update, { ...progress, task: null });
    }
    if (reading.end === 'failed') {
      if (!(await this.isUnreached(context, progress, reading))) throw taskFailure(task, reading);
      await context.tell(`The BMC did not reach this conductor for the firmware of ${update.component}.`);
      return enter(context, { ...progress, phase: 'stage', unreached: true });
    }
    const now = { ...progress, seen: true };
    if (reading.end === 'completed') return this.over(context, machine, update, now);
    return this.running(context, update, now, reading);
  }

  /** Nothing of the image is at the BMC, so another way is tried once. */
  private async isUnreached(
    context: StepContext,
    { ours, sent }: Progress,
    { messages }: TaskReading,
  ): Promise<boolean> {
    if (!ours || sent >= MOST_SENT || !isUnreached(messages)) return false;
    return !(await this.parts.files.isFetched(context));
  }

  /** The machine is rebooted for a task that waits, and for one of the BIOS whose end does not come by itself. */
  private async running(
    context: StepContext,
    { component }: FirmwareUpdate,
    progress: Progress,
    { state }: TaskReading,
  ): Promise<Turn> {
    const { firmware_update_nic_starting_wait: wait, firmware_update_reboot_delay: delay } =
      this.parts.settings;
    const now = Date.now();
    const waiting = isWaiting(state) ? (progress.waiting ?? now) : null;
    const next = { ...progress, waiting };
    const isDue =
      (waiting !== null && now - waiting >= wait * 1000) ||
      (component === 'bios' && now - progress.since >= delay * 1000);
    if (!isDue || progress.rebooted || component === 'bmc') return this.looks.status(next);
    return enter(context, { ...next, phase: 'reboot' });
  }

  /** Without a task the version is the only sign; an image may be written until the configured time has passed. */
  private async followUntold(
    context: StepContext,
    machine: RedfishMachine,
    update: FirmwareUpdate,
    progress: Progress,
  ): Promise<Turn> {
    const delay = this.parts.settings.firmware_update_reboot_delay * 1000;
    const versions = await tolerant(() => readVersions(machine, [update]));
    const changed = isChanged(progress, update, versions?.[update.component]);
    const isDue = changed || progress.rebooted || Date.now() - progress.since >= delay;
    return versions && isDue ? this.over(context, machine, update, progress) : this.looks.status(progress);
  }

  /** The BMC has done its part: most components are applied by a reboot of the machine, once. */
  private async over(
    context: StepContext,
    machine: RedfishMachine,
    update: FirmwareUpdate,
    progress: Progress,
  ): Promise<Turn> {
    const { component } = update;
    let needsReboot = component !== 'bmc' && !progress.rebooted;
    if (needsReboot && !isUsual(component)) {
      const versions = await tolerant(() => readVersions(machine, [update]));
      needsReboot = !isChanged(progress, update, versions?.[component]);
    }
    return enter(context, { ...progress, phase: needsReboot ? 'reboot' : 'settle', good: 0 });
  }

  private async rebooting(context: StepContext, progress: Progress, entered: boolean): Promise<Turn> {
    let latest = progress;
    const keep = (reboot: RebootRecord): Progress => {
      latest = { ...latest, reboot, wasOff: latest.wasOff || reboot.wasOff };
      return latest;
    };
    const turn = await tolerant(async () => {
      const begun = rebootRecordOf(progress.reboot);
      const record = begun ?? (await this.reboot.plan(context));
      if (!begun) await context.checkpoint(keep(record));
      return this.reboot.advance(context, record, entered && begun !== undefined, keep);
    });
    if (!turn) return this.looks.soon(latest);
    if ('outcome' in turn) return turn;
    return enter(context, { ...keep(turn.record), phase: 'task', rebooted: true, waiting: null });
  }

  private async settle(
    context: StepContext,
    machine: RedfishMachine,
    { updates, update }: { updates: readonly FirmwareUpdate[]; update: FirmwareUpdate },
    progress: Progress,
  ): Promise<Turn> {
    const { settings } = this.parts;
    const seen = await tolerant(() => readComponents(machine, [update]));
    if (!seen) {
      this.refuseUnsettled(progress);
      return this.looks.validation({ ...progress, good: 0 });
    }
    const { component } = update;
    const version = seen.find((one) => one.component === component)?.current_version;
    const now = { ...progress, good: progress.good + 1 };
    const checks = settings.firmware_update_resource_validation_timeout > 0;
    if (checks && now.good < settings.firmware_update_required_successes) return this.looks.validation(now);
    const changed = isChanged(progress, update, version);
    const wait = (component === 'bmc' ? update.wait : null) ?? settings.firmware_update_reboot_delay;
    const isAwaited = !changed && version !== undefined && Date.now() - progress.since < wait * 1000;
    if (isAwaited) return this.looks.version(now);
    if (!changed && !progress.answered && !progress.seen) {
      throw new FerricError(
        'bmc-failed',
        'The answer to the request was lost, and no task and no other version show that the BMC carried it out.',
      );
    }
    // Some adapters take an update only after a reboot that follows the BMC's own.
    const isFollowed = component === 'bmc' && changed && progress.at + 1 < updates.length;
    if (isFollowed && !progress.rebooted) return enter(context, { ...progress, phase: 'reboot', task: null });
    await saveVersions(context, progress, seen);
    await context.tell(resultText(progress, update, version));
    return enter(context, { ...progress, phase: 'pause' });
  }

  private refuseUnsettled({ since }: Progress): void {
    const { firmware_update_resource_validation_timeout: limit } = this.parts.settings;
    if (limit === 0 || Date.now() - since < limit * 1000) return;
    throw new FerricError('bmc-failed', `The BMC does not show its resources ${limit} s after the update.`);
  }

  /** The configured time, then the next update. */
  private async pause(
    context: StepContext,
    machine: RedfishMachine,
    { updates, update }: { updates: readonly FirmwareUpdate[]; update: FirmwareUpdate },
    progress: Progress,
  ): Promise<Turn> {
    const end = progress.since + this.pauseOf(context, update) * 1000;
    if (Date.now() < end) return this.looks.at(progress, end);
    const { at, began, wasOff } = progress;
    if (at + 1 < updates.length) {
      const before = await tolerant(() => readVersions(machine, updates));
      if (!before) return this.looks.soon(progress);
      return enter(context, beginning({ at: at + 1, began, before, wasOff }));
    }
    const isRestored = await tolerant(async () => {
      await this.reboot.restore(context, { wasOff });
      return true;
    });
    if (!isRestored) return this.looks.soon(progress);
    await this.removeFiles(context);
    return { outcome: { is: 'done' } };
  }

  /** Seconds. */
  private pauseOf({ node }: ReadContext, { component, wait }: FirmwareUpdate): number {
    if (component === 'bmc') return 0; // its time was that of the new version
    if (wait !== null) return wait;
    if (isUsual(component)) return 0;
    const own = Number(node.driver_info['firmware_update_unresponsive_bmc_wait']);
    return Number.isFinite(own) && own > 0 ? own : this.parts.settings.firmware_update_wait_unresponsive_bmc;
  }

  /** What a failed update left is told; it is never repeated, and those after it are not begun. */
  private async failure(
    context: StepContext,
    update: FirmwareUpdate,
    progress: Progress,
    error: FerricError,
  ): Promise<FerricError> {
    const { component } = update;
    if (progress.sent === 0) return notBegun(update, error);
    let now = 'it cannot be read now';
    try {
      const seen = await readComponents(this.parts.machines.of(context), [update]);
      await saveVersions(context, progress, seen);
      now = `it is ${seen.find((one) => one.component === component)?.current_version ?? 'unknown'} now`;
    } catch (unread) {
      if (!isFailure(unread, context)) throw unread;
      context.log.warn({ error: messageOf(unread) }, 'the versions after a failed update cannot be read');
    }
    return new FerricError(
      error.code,
      `${nameOf(update)} failed, and is not repeated: ${error.message} ` +
        `The version was ${progress.before[component] ?? 'unknown'} before; ${now}.`,
      { cause: error },
    );
  }

  private async removeFiles(context: StepContext): Promise<void> {
    try {
      await this.parts.files.remove(context);
    } catch (error) {
      // What is published ends with the operation, and the sweep removes its file.
      context.log.warn({ error: messageOf(error) }, 'the files of a firmware update cannot be removed now');
    }
  }

  private refuseLate(context: StepContext, { began }: Progress): void {
    const { firmware_update_overall_timeout: limit } = this.parts.settings;
    if (context.wake !== 'deadline' && (limit === 0 || Date.now() - began < limit * 1000)) return;
    throw new FerricError(
      'bmc-failed',
      `The updates of firmware did not end within ${limit || DAY} s; the BMC may still be at work on them.`,
    );
  }
}

/** Seconds. */
const DAY = 86_400;

function nameOf({ component, url }: FirmwareUpdate): string {
  return `The update of ${component} with ${fileNameOf(url)}`;
}

function notBegun(update: FirmwareUpdate, error: FerricError): FerricError {
  return new FerricError(error.code, `${nameOf(update)} was not begun: ${error.message}`, { cause: error });
}

function isOutcome(turn: Turn): turn is { outcome: StepOutcome } {
  return 'outcome' in turn;
}

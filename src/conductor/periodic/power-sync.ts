import type { DataSource } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import { PERIODIC } from '../../domain/actor.js';
import {
  type ErrorCode,
  FerricError,
  isDatabaseAway,
  LockedError,
  messageOf,
  NotFoundError,
} from '../../domain/errors.js';
import type { HardwareHealth } from '../../domain/hardware/component.js';
import { holderOf } from '../../domain/node/holder.js';
import type { PowerState } from '../../domain/power/power.js';
import { factsOfRow } from '../../domain/provision/machine.js';
import type { EventRepository } from '../../persistence/event/event.repository.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeChanges, NodeRepository } from '../../persistence/node/node.repository.js';
import type { Logger } from '../../platform/logger.js';
import type { NodeContexts } from '../execution/node-context.js';
import type { Reservation, Reservations } from '../execution/reservation.js';
import { PollLanes } from './poll-lanes.js';
import type { PeriodicTask } from './task.js';

export const POWER_FAULT = 'power failure';

export interface PowerSyncSettings {
  sync_power_state_interval: number;
  sync_power_state_workers: number;
  enable_health_monitoring: boolean;
  force_power_state_during_sync: boolean;
  power_state_sync_max_retries: number;
  power_failure_recovery_interval: number;
  power_state_change_timeout: number;
}

interface Deps {
  source: DataSource;
  nodes: NodeRepository;
  events: EventRepository;
  reservations: Reservations;
  contexts: NodeContexts;
  /** Notified of a node whose maintenance is over, once its reservation is released. */
  runner: { wakeNode(uuid: string): Promise<void> };
  settings: PowerSyncSettings;
  host: string;
  log: Logger;
}

/** What a BMC showed of its machine. */
interface Reading {
  power: PowerState;
  health?: HardwareHealth | null;
}

/** ms after which a read of a BMC no longer occupies a worker. */
const GRACE = 500;
/** Most concurrent reads of nodes whose last read failed: these only wait. */
const SLOW = 64;
/** Most rounds that the recovery skips a node which nobody changed meanwhile. */
const MOST_REST = 4;

/** Synchronizes recorded power states with the machines', and puts nodes that cannot be read into maintenance. */
export class PowerSync {
  /** Failures in a row by node: failed reads, and corrections without effect. */
  readonly #failures = new Map<string, number>();
  readonly #syncLanes: PollLanes<Node>;
  readonly #recoveryLanes: PollLanes<Node>;

  constructor(private readonly deps: Deps) {
    // A node goes into maintenance after some failures: until then it is read in every round.
    this.#syncLanes = this.#lanes(0);
    this.#recoveryLanes = this.#lanes(MOST_REST);
  }

  syncTask(): PeriodicTask {
    return {
      name: 'power-sync',
      every: this.deps.settings.sync_power_state_interval,
      run: (signal) =>
        this.#forEach(this.#syncLanes, { maintenance: false }, isSynced, signal, (node, until) =>
          this.#sync(node, until),
        ),
      drain: () => this.#syncLanes.drain(),
    };
  }

  recoveryTask(): PeriodicTask {
    return {
      name: 'power-failure-recovery',
      every: this.deps.settings.power_failure_recovery_interval,
      run: (signal) =>
        this.#forEach(
          this.#recoveryLanes,
          { maintenance: true, fault: POWER_FAULT },
          () => true,
          signal,
          (node, until) => this.#recover(node, until),
        ),
      drain: () => this.#recoveryLanes.drain(),
    };
  }

  async #forEach(
    lanes: PollLanes<Node>,
    filter: { maintenance: boolean; fault?: string },
    isWanted: (node: Node) => boolean,
    signal: AbortSignal,
    look: (node: Node, signal: AbortSignal) => Promise<boolean>,
  ): Promise<void> {
    const nodes: Node[] = [];
    for await (const page of this.deps.nodes.pages({ ...filter, conductor: this.deps.host })) {
      nodes.push(...page.filter((node) => isWanted(node) && isFree(node)));
    }
    let away: unknown;
    const end = new AbortController();
    try {
      await lanes.round(
        nodes,
        async (node, until) => {
          try {
            return await look(node, until);
          } catch (error) {
            if (isDatabaseAway(error)) {
              away = error;
              end.abort();
            }
            throw error;
          }
        },
        AbortSignal.any([signal, end.signal]),
      );
    } catch (error) {
      throw away ?? error;
    }
  }

  #lanes(mostRest: number): PollLanes<Node> {
    return new PollLanes({
      workers: this.deps.settings.sync_power_state_workers,
      slow: SLOW,
      grace: GRACE,
      mostRest,
      failed: (node, error) => {
        // The node was locked or deleted meanwhile: its power is not this task's concern now.
        if (error instanceof LockedError || error instanceof NotFoundError) return;
        this.deps.log.error(
          { node: node.uuid, error: messageOf(error) },
          'the power state was not looked at for a fault of ours',
        );
      },
    });
  }

  async #sync(seen: Node, signal: AbortSignal): Promise<boolean> {
    const read = await this.#read(seen, signal);
    if (read instanceof Error) {
      await this.#fail(seen, `the power state could not be read: ${read.message}`);
      return false;
    }
    const { power, health } = read;
    if (power === seen.power_state) this.#failures.delete(seen.uuid);
    else await this.#settle(seen, power, signal);
    if (health !== undefined && health !== seen.health) await this.#recordHealth(seen, health);
    return true;
  }

  /** A node that is reserved now is seen to in the next round. */
  async #recordHealth(seen: Node, health: HardwareHealth | null): Promise<void> {
    const reservation = await this.deps.reservations.acquire(seen.uuid, false);
    try {
      const { health: before } = reservation.node;
      if (before === health) return;
      const text = `Node health status changed: health='${health ?? 'None'}' (previously '${before ?? 'None'}')`;
      const ill = health === 'Warning' || health === 'Critical';
      if (ill) this.deps.log.warn({ node: seen.uuid, health }, 'the BMC reports a problem of the machine');
      await this.#record(reservation, { health }, text, 'INFO', 'monitoring');
    } finally {
      await reservation.release();
    }
  }

  async #settle(seen: Node, actual: PowerState, signal: AbortSignal): Promise<void> {
    const reservation = await this.deps.reservations.acquire(seen.uuid, false);
    try {
      const { node } = reservation;
      if (!isJudged(node) || node.power_state !== seen.power_state) return;
      const force = this.deps.settings.force_power_state_during_sync;
      if (node.power_state === null || node.power_state === 'error' || !force || node.disable_power_off) {
        await this.#record(reservation, { power_state: actual }, `The machine is in "${actual}": recorded.`);
        return;
      }
      await this.#enforce(reservation, actual, signal);
    } finally {
      await reservation.release();
    }
  }

  async #enforce(reservation: Reservation, actual: PowerState, signal: AbortSignal): Promise<void> {
    const { node } = reservation;
    const wanted = node.power_state === 'power on' ? 'power on' : 'power off';
    const tried = (this.#failures.get(node.uuid) ?? 0) + 1;
    if (tried > this.deps.settings.power_state_sync_max_retries) {
      await this.#retire(reservation, `the machine stays in "${actual}", expected "${wanted}"`, {
        power_state: actual,
      });
      return;
    }
    this.#failures.set(node.uuid, tried);
    try {
      const either = AbortSignal.any([signal, reservation.signal]);
      const timeout = this.deps.settings.power_state_change_timeout * 1000;
      await this.deps.contexts.forWork(reservation, node, either, (context) =>
        context.interfaces.power.setPowerState(context, wanted, timeout),
      );
      await this.#record(reservation, {}, `The machine was in "${actual}": brought back to "${wanted}".`);
    } catch (error) {
      signal.throwIfAborted();
      if (isDatabaseAway(error)) throw error;
      this.deps.log.warn(
        { node: node.uuid, error: messageOf(error) },
        'the power state could not be enforced',
      );
    }
  }

  async #fail(seen: Node, why: string): Promise<void> {
    const failures = (this.#failures.get(seen.uuid) ?? 0) + 1;
    this.#failures.set(seen.uuid, failures);
    this.deps.log.warn({ node: seen.uuid, failures }, why);
    if (failures < this.deps.settings.power_state_sync_max_retries) return;
    const reservation = await this.deps.reservations.acquire(seen.uuid, false);
    try {
      if (isJudged(reservation.node)) await this.#retire(reservation, why, { power_state: 'error' });
    } finally {
      await reservation.release();
    }
  }

  async #retire(reservation: Reservation, why: string, changes: NodeChanges): Promise<void> {
    this.#failures.delete(reservation.node.uuid);
    const text = `${retiredBecause(reservation.node)}: ${why}. Switching the node to maintenance mode.`;
    await this.#record(
      reservation,
      { ...changes, maintenance: true, maintenance_reason: text, fault: POWER_FAULT, last_error: text },
      text,
      'ERROR',
    );
  }

  async #recover(seen: Node, signal: AbortSignal): Promise<boolean> {
    const read = await this.#read(seen, signal);
    if (read instanceof Error || read.power === 'error') return false;
    const { power: actual } = read;
    const reservation = await this.deps.reservations.acquire(seen.uuid, false);
    try {
      const { node } = reservation;
      if (node.fault !== POWER_FAULT || node.target_power_state) return true;
      if (!node.maintenance_reason?.startsWith(retiredBecause(node))) {
        const text = `The BMC answers again, power state "${actual}". The maintenance that an operator set stays.`;
        await this.#record(reservation, { power_state: actual, fault: null }, text);
        return true;
      }
      const ended = { maintenance: false, maintenance_reason: null, fault: null, last_error: null };
      const text = `The BMC answers again, power state "${actual}": maintenance ended.`;
      await this.#record(reservation, { power_state: actual, ...ended }, text);
    } finally {
      await reservation.release();
    }
    await this.deps.runner.wakeNode(seen.uuid);
    return true;
  }

  /** `health` is undefined where it is not asked for. */
  async #read(node: Node, signal: AbortSignal): Promise<Reading | Error> {
    try {
      return await this.deps.contexts.forReading(node, { signal, attended: false }, async (context) => {
        const { power } = context.interfaces;
        if (this.deps.settings.enable_health_monitoring && power.look) return power.look(context);
        return { power: await power.getPowerState(context) };
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!isOfMachine(error)) throw error;
      return error;
    }
  }

  async #record(
    reservation: Reservation,
    changes: NodeChanges,
    text: string,
    severity = 'INFO',
    event_type = 'power',
  ): Promise<void> {
    await inTransaction(this.deps.source, async (manager) => {
      await this.deps.nodes.update(reservation.node.uuid, changes, reservation.fence, manager);
      await this.deps.events.add(
        {
          node_uuid: reservation.node.uuid,
          event_type,
          kind: event_type === 'power' ? 'node.power' : 'node.changed',
          severity,
          event: text,
          conductor: this.deps.host,
          actor: PERIODIC,
        },
        manager,
      );
    });
  }
}

/** Errors that are the node's or its BMC's; any other says nothing about the machine. */
const OF_MACHINE: readonly ErrorCode[] = [
  'bmc-unreachable',
  'bmc-authentication',
  'bmc-failed',
  'invalid',
  'unsupported',
  'not-found',
  'timeout', // a call of its driver that hung
];

function isOfMachine(error: unknown): error is FerricError {
  return error instanceof FerricError && OF_MACHINE.includes(error.code);
}

/** Whether power is synchronized in the node's state. */
function isSynced(node: Node): boolean {
  return !factsOfRow(node).powerNotSynced;
}

/** Checked again under the reservation, since reading a BMC takes time. */
function isJudged(node: Node): boolean {
  return !node.maintenance && !node.target_power_state && !factsOfRow(node).powerNotSynced;
}

/** The beginning of the maintenance reason that the power sync sets; any other reason is an operator's. */
function retiredBecause(node: Node): string {
  return `During sync_power_state, max retries exceeded for node ${node.uuid}`;
}

function isFree(node: Node): boolean {
  return holderOf(node) === null && !node.target_power_state;
}

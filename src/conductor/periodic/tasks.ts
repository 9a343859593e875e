import type { ConductorRecordRepository } from '../../persistence/conductor-record/conductor-record.repository.js';
import type { EventRepository } from '../../persistence/event/event.repository.js';
import type { OperationRepository } from '../../persistence/operation/operation.repository.js';
import type { OperationRunner } from '../execution/operation-runner.js';
import type { AllocationService } from '../service/allocation-service.js';
import type { PowerSync } from './power-sync.js';
import type { PeriodicTask } from './task.js';

interface TaskParts {
  powerSync: PowerSync;
  runner: OperationRunner;
  allocationService: AllocationService;
  conductors: ConductorRecordRepository;
  events: EventRepository;
  operations: OperationRepository;
  images: { cleanUp(): Promise<unknown> };
  host: string;
  instance: string;
  settings: {
    heartbeat_interval: number;
    check_provision_state_interval: number;
    check_allocations_interval: number;
    node_history_max_entries: number;
    node_history_max_days: number;
    nodeless_history_max_entries: number;
    operation_max_entries: number;
    operation_max_days: number;
    history_cleanup_interval: number;
  };
  /** Called when another process has taken this host name: two would compete for the same nodes. */
  onReplaced: () => void;
}

interface Recovery {
  /** Fails nodes in a working state without an operation, and frees expired reservations. */
  recoverOrphans: () => Promise<void>;
  /** Takes over nodes and work of dead conductors. */
  takeOver: () => Promise<void>;
}

/** Every periodic task of the conductor. */
export function periodicTasks(parts: TaskParts, { recoverOrphans, takeOver }: Recovery): PeriodicTask[] {
  const { powerSync, runner, allocationService, images, settings } = parts;
  return [
    powerSync.syncTask(),
    powerSync.recoveryTask(),
    livenessTask(parts, takeOver),
    {
      name: 'provision-state-timeouts',
      every: settings.check_provision_state_interval,
      run: async () => {
        await runner.sweep();
        await recoverOrphans();
      },
    },
    {
      name: 'allocations',
      every: settings.check_allocations_interval,
      run: () => allocationService.sweep(),
    },
    {
      name: 'image-cache',
      every: 3600,
      run: async () => {
        await images.cleanUp();
      },
    },
    historyTask(parts),
  ];
}

function livenessTask(parts: TaskParts, takeOver: Recovery['takeOver']): PeriodicTask {
  const { conductors, host, instance, settings } = parts;
  return {
    name: 'liveness',
    every: settings.heartbeat_interval,
    atStart: true,
    run: async () => {
      if (!(await conductors.touch(host, instance))) parts.onReplaced();
      else await takeOver();
    },
  };
}

function historyTask({ events, operations, settings }: TaskParts): PeriodicTask {
  return {
    name: 'history',
    every: settings.history_cleanup_interval,
    // A daemon that is restarted every night must run it, too.
    atStart: true,
    run: async (signal) => {
      const { node_history_max_entries: entries, node_history_max_days: days } = settings;
      const { operation_max_entries, operation_max_days } = settings;
      await events.purge({ entries, days, nodeless: settings.nodeless_history_max_entries }, signal);
      await operations.purge({ entries: operation_max_entries, days: operation_max_days }, signal);
    },
  };
}

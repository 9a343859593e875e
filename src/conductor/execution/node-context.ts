import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import type { SealedPlace } from '../../database/sealing.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { type PowerState, settledPower } from '../../domain/power/power.js';
import type { Step } from '../../domain/step/step.js';
import type { DriverContext, DriverNode, NodeChanges, ReadContext } from '../../driver/contract/context.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { PowerInterface } from '../../driver/contract/power.js';
import type { WorkContext } from '../../driver/contract/step.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { NewEvent } from '../../persistence/event/event.repository.js';
import { type HardwareRepository, reportPlace } from '../../persistence/hardware/hardware.repository.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import type { Fence } from '../../persistence/node/fence.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import {
  type JournaledOperation,
  type OperationRepository,
  stepPlace,
} from '../../persistence/operation/operation.repository.js';
import type { Port } from '../../persistence/port/port.entity.js';
import type { PortRepository } from '../../persistence/port/port.repository.js';
import type { Logger } from '../../platform/logger.js';
import type { OwnContext } from '../workflow/own-step.js';
import { type CallLimit, limitedCall, READ_LIMIT } from './call-limit.js';
import type { JournalWriter } from './journal-writer.js';
import { mergeKeys } from './merge-keys.js';
import { clearNode, MERGED } from './node-draft.js';
import type { Reservation } from './reservation.js';
import { draftWriting, refuseCheckpoint } from './row-steps.js';
import { type Run, type StepTurn, stepOf } from './run.js';

/** Context for reading: methods that change something do not accept it. */
export type ReadingContext = ReadContext & { interfaces: WorkContext['interfaces']; all: Interfaces };

/** The writing parts of a context. */
type Writing = Pick<WorkContext, 'node' | 'save'>;

export interface ReadTerms {
  /** Ends the call for another reason than its limit. */
  readonly signal?: AbortSignal;
  /** Of the node, where it is held. */
  readonly reservation?: Reservation;
  /** Whether a client waits for the result. */
  readonly attended?: boolean;
}

const NEVER = new AbortController().signal;

/**
 * Calls drivers: builds their contexts and limits each call (`call-limit.ts`). The only place that hands out a node with
 * its secrets in clear.
 */
export class NodeContexts {
  readonly #ports = new WeakMap<Reservation, Promise<Port[]>>();

  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      ports: PortRepository;
      operations: OperationRepository;
      hardware: HardwareRepository;
      registry: DriverRegistry;
      writer: JournalWriter;
      sources: Pick<SourceRule, 'silence'>;
      settings: { driver_call_timeout: number };
      host: string;
      log: Logger;
    },
  ) {}

  /** @throws NotFoundError, InvalidError as the registry */
  interfacesOf(node: Node): Interfaces {
    return this.deps.registry.resolve(node);
  }

  /**
   * For reading only, such as validation or a power state. Its `fence` does nothing.
   * @throws DriverCallTimeoutError after READ_LIMIT, or `conductor.driver_call_timeout` if that is shorter
   */
  forReading<T>(
    node: Node,
    { signal = NEVER, reservation, attended = true }: ReadTerms,
    work: (context: ReadingContext) => Promise<T>,
  ): Promise<T> {
    return this.#limited(node, signal, Math.min(READ_LIMIT, this.#callLimit(0)), async (limit) => {
      const all = this.deps.registry.resolve(node);
      const ports = reservation ? this.#portsOf(reservation) : this.deps.ports.ofNode(node.uuid);
      const base = await this.#base(node, ports, limit);
      const fence = async () => limit.ensure();
      return work({ ...base, attended, interfaces: all, all, node: base.node, fence });
    });
  }

  /**
   * For acting under a reservation: `save` writes at once.
   * @throws DriverCallTimeoutError after `conductor.driver_call_timeout`
   */
  forWork<T>(
    reservation: Reservation,
    node: Node,
    signal: AbortSignal,
    work: (context: WorkContext & { all: Interfaces }) => Promise<T>,
  ): Promise<T> {
    return this.#limited(node, signal, this.#callLimit(0), async (limit) =>
      work(await this.#forWork(reservation, node, limit)),
    );
  }

  #limited<T>(
    { uuid }: Node,
    signal: AbortSignal,
    limit: number,
    work: (limit: CallLimit) => Promise<T>,
  ): Promise<T> {
    return limitedCall({ signal, limit, log: this.deps.log.child({ node: uuid }) }, work);
  }

  /** @param allowance ms that the work is given besides @returns ms */
  #callLimit(allowance: number): number {
    return this.deps.settings.driver_call_timeout * 1000 + allowance;
  }

  #forWork(
    reservation: Reservation,
    node: Node,
    limit: CallLimit,
  ): Promise<WorkContext & { all: Interfaces }> {
    let row = node;
    let current = clearNode(node, this.deps.nodes);
    const writing: Writing = {
      get node() {
        return current;
      },
      save: async (changes) => {
        row = await limit.untimed(() => this.#saved(row, current, changes, reservation.fence));
        current = clearNode(row, this.deps.nodes);
      },
    };
    return this.#acting(reservation, node, limit, writing);
  }

  /**
   * For a step: it acts under the reservation, or, where it only writes rows, saves into the draft.
   * @param allowance ms that the step is given beside `conductor.driver_call_timeout`
   * @throws DriverCallTimeoutError
   */
  forStep<T>(
    run: Run,
    turn: StepTurn,
    allowance: number,
    work: (context: OwnContext) => Promise<T>,
  ): Promise<T> {
    return this.#limited(run.draft.row, run.signal, this.#callLimit(allowance), async (limit) =>
      work(await this.#forStep(run, turn, limit)),
    );
  }

  async #forStep(run: Run, turn: StepTurn, limit: CallLimit): Promise<OwnContext> {
    const { reservation, draft } = run;
    const work = run.ahead
      ? await this.#acting(reservation, draft.row, limit, draftWriting(draft))
      : await this.#forWork(reservation, draft.row, limit);
    // Keeps the getters of both live; a spread would freeze their first value.
    return Object.defineProperties(
      {},
      {
        ...Object.getOwnPropertyDescriptors(work),
        ...Object.getOwnPropertyDescriptors(this.#ofStep(run, turn, limit)),
      },
    ) as OwnContext;
  }

  /** The step's own part of the context: its name, arguments, checkpoint and how it saves one. */
  #ofStep(run: Run, turn: StepTurn, limit: CallLimit): Omit<OwnContext, keyof WorkContext | 'all'> {
    const { operation, reservation } = run;
    const { position, wake } = turn.effect;
    const step = stepOf(turn);
    const { writer, source, nodes } = this.deps;
    let saved: Json = step.checkpoint;
    return {
      operation: { uuid: operation.uuid, kind: operation.kind },
      step: { name: step.name, interface: step.interface, args: this.#argsOf(operation, step, position) },
      wake,
      actor: run.actor,
      attempt: step.attempt,
      get saved() {
        return saved;
      },
      checkpoint: async (value: Json) => {
        refuseCheckpoint(run);
        await limit.untimed(async () => {
          await reservation.ensure(1_000);
          await writer.checkpoint(reservation, operation.id, position, value);
        });
        saved = value;
      },
      tell: (text: string) => writer.tell(reservation, this.#noteOf(run, text)),
      commit: <T>(act: (manager: EntityManager, fence: Fence) => Promise<T>): Promise<T> =>
        limit.untimed(() =>
          inTransaction(source, async (manager) => {
            await nodes.reservations.assertHeld(reservation.node.uuid, reservation.fence, manager);
            return act(manager, reservation.fence);
          }),
        ),
    };
  }

  #noteOf({ reservation, actor }: Run, text: string): NewEvent {
    return {
      node_uuid: reservation.node.uuid,
      event_type: 'provision',
      kind: 'node.note',
      severity: 'WARNING',
      event: text,
      conductor: this.deps.host,
      actor,
    };
  }

  async #acting(
    reservation: Reservation,
    row: Node,
    limit: CallLimit,
    writing: Writing,
  ): Promise<WorkContext & { all: Interfaces }> {
    const all = this.deps.registry.resolve(row);
    const base = await this.#base(row, this.#portsOf(reservation), limit);
    // The recorded power state follows every change of power.
    const record = (state: PowerState) => writing.save({ power_state: state });
    return {
      ...base,
      interfaces: { ...all, power: recording(all.power, record, this.deps.sources) },
      all,
      get node() {
        return writing.node;
      },
      save: writing.save,
      fence: (duration: number) => limit.untimed(() => reservation.ensure(duration)),
    };
  }

  /** @param seen the node as the driver saw it, secrets in clear */
  async #saved(row: Node, seen: DriverNode, changes: NodeChanges, fence: Fence): Promise<Node> {
    const { nodes, hardware, source } = this.deps;
    const { bios_settings, firmware_components, inventory, inspection_report, ...columns } = changes;
    const merged = MERGED.filter((column) => columns[column]);
    if (!(bios_settings || firmware_components || inventory || inspection_report)) {
      const written = await nodes.updateUnchanged(row, merged, columns, fence);
      if (written) return written;
    }
    // Another writer changed these columns too, or the reservation is lost: `edit` then throws.
    const merge = (clear: Node) => ({
      ...columns,
      ...Object.fromEntries(
        merged.map((column) => [column, mergeKeys(seen[column], columns[column]!, clear[column])]),
      ),
    });
    return inTransaction(source, async (manager) => {
      const edited = await nodes.edit(row.uuid, fence, merge, manager);
      if (bios_settings) await hardware.replaceBiosSettings(row.uuid, bios_settings, manager);
      if (firmware_components) await hardware.noteFirmware(row.uuid, firmware_components, manager);
      if (inventory) await hardware.replaceInventory(row.uuid, inventory, manager);
      if (inspection_report) {
        const sealed = nodes.sealText(JSON.stringify(inspection_report), reportPlace(row.uuid));
        await hardware.saveReport(row.uuid, sealed, manager);
      }
      return edited;
    });
  }

  #argsOf({ kind, uuid }: JournaledOperation, { args }: Step, position: number): JsonObject {
    return kind === 'action' ? this.#opened(args, stepPlace(uuid, position, 'args')) : args;
  }

  /** Arguments of an action are sealed as one text. */
  #opened(args: JsonObject, place: SealedPlace): JsonObject {
    const { sealed } = args;
    return typeof sealed === 'string'
      ? (JSON.parse(this.deps.nodes.openText(sealed, place)) as JsonObject)
      : args;
  }

  /** Call after ports were written under this reservation. */
  forgetPorts(reservation: Reservation): void {
    this.#ports.delete(reservation);
  }

  /** Read once per reservation. */
  #portsOf(reservation: Reservation): Promise<Port[]> {
    let ports = this.#ports.get(reservation);
    if (!ports) {
      ports = this.deps.ports.ofNode(reservation.node.uuid);
      this.#ports.set(reservation, ports);
    }
    return ports;
  }

  async #base(
    node: Node,
    ports: Promise<Port[]>,
    { signal, untimed }: CallLimit,
  ): Promise<Pick<DriverContext, 'node' | 'ports' | 'log' | 'attended' | 'signal' | 'untimed'>> {
    return {
      node: clearNode(node, this.deps.nodes),
      ports: await untimed(() => ports),
      log: this.deps.log.child({ node: node.uuid }),
      attended: true,
      signal,
      untimed,
    };
  }
}

function recording(
  power: PowerInterface,
  record: (state: PowerState) => Promise<void>,
  sources: Pick<SourceRule, 'silence'>,
): PowerInterface {
  return {
    name: power.name,
    properties: power.properties,
    targets: power.targets,
    validate: (context) => power.validate(context),
    getPowerState: async (context) => {
      const state = await power.getPowerState(context);
      if (state === 'power off') await sources.silence(context.node.uuid);
      return state;
    },
    setPowerState: async (context, target, timeout) => {
      const settled = settledPower(target);
      // Before power-on: the machine may ask for its address before the BMC reports that it runs.
      if (settled === 'power on') await sources.silence(context.node.uuid);
      await power.setPowerState(context, target, timeout);
      if (settled === 'power off') await sources.silence(context.node.uuid);
      await record(settled);
    },
  };
}

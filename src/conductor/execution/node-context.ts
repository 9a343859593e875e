import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import type { SealedPlace } from '../../database/sealing.js';
import { FerricError } from '../../domain/errors.js';
import type { Json, JsonObject } from '../../domain/json.js';
import { type PowerState, settledPower } from '../../domain/power/power.js';
import type { Journal } from '../../domain/step/advance.js';
import type { Step, Wake } from '../../domain/step/step.js';
import type { DriverContext, NodeChanges, ReadContext } from '../../driver/contract/context.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { PowerInterface } from '../../driver/contract/power.js';
import type { WorkContext } from '../../driver/contract/step.js';
import type { DriverRegistry } from '../../driver/registry.js';
import type { HardwareRepository } from '../../persistence/hardware/hardware.repository.js';
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
import type { JournalWriter } from './journal-writer.js';
import { mergeKeys } from './merge-keys.js';
import { clearNode, MERGED, type NodeDraft } from './node-draft.js';
import type { Reservation } from './reservation.js';

/** For looking only: it cannot be given to a method that changes something. */
export type ReadingContext = ReadContext & { interfaces: WorkContext['interfaces']; all: Interfaces };

/** Builds what drivers are given: nobody else hands out a node with its secrets in clear. */
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
      host: string;
      log: Logger;
    },
  ) {}

  /** @throws NotFoundError, InvalidError as the registry */
  interfacesOf(node: Node): Interfaces {
    return this.deps.registry.resolve(node);
  }

  /**
   * For looking only: validation, reading power. `fence` has nothing to guard.
   * @param reservation of the node, where it is held
   * @param attended somebody waits for what is read
   */
  async forReading(
    node: Node,
    signal: AbortSignal,
    reservation: Reservation | null = null,
    attended = true,
  ): Promise<ReadingContext> {
    const all = this.deps.registry.resolve(node);
    const ports = reservation ? this.#portsOf(reservation) : this.deps.ports.ofNode(node.uuid);
    const base = await this.#base(node, ports, signal);
    return {
      ...base,
      attended,
      interfaces: all,
      all,
      node: base.node,
      fence: () => Promise.resolve(),
    };
  }

  /** For acting under a reservation. */
  async forWork(
    reservation: Reservation,
    node: Node,
    signal: AbortSignal,
  ): Promise<WorkContext & { all: Interfaces }> {
    const all = this.deps.registry.resolve(node);
    const base = await this.#base(node, this.#portsOf(reservation), signal);
    let row = node;
    let current = base.node;
    const context: WorkContext & { all: Interfaces } = {
      ...base,
      // Whatever changes the power, the record follows.
      interfaces: {
        ...all,
        power: recording(all.power, (state) => context.save({ power_state: state }), this.deps.sources),
      },
      all,
      get node() {
        return current;
      },
      save: async (changes: NodeChanges) => {
        const seen = current;
        const { bios_settings, firmware_components, inventory, ...columns } = changes;
        const whole = !(bios_settings || firmware_components || inventory);
        const merged = MERGED.filter((column) => columns[column]);
        const written = whole
          ? await this.deps.nodes.updateUnchanged(row, merged, columns, reservation.fence)
          : null;
        // Otherwise somebody else wrote them too, or the reservation is lost: then this throws.
        row =
          written ??
          (await inTransaction(this.deps.source, async (manager) => {
            const { nodes, hardware } = this.deps;
            const merge = (clear: Node) => ({
              ...columns,
              ...Object.fromEntries(
                merged.map((column) => [column, mergeKeys(seen[column], columns[column]!, clear[column])]),
              ),
            });
            const edited = await nodes.edit(node.uuid, reservation.fence, merge, manager);
            if (bios_settings) await hardware.replaceBiosSettings(node.uuid, bios_settings, manager);
            if (firmware_components) await hardware.noteFirmware(node.uuid, firmware_components, manager);
            if (inventory) await hardware.replaceInventory(node.uuid, inventory, manager);
            return edited;
          }));
        current = clearNode(row, this.deps.nodes);
      },
      fence: (duration: number) => reservation.ensure(duration),
    };
    return context;
  }

  /**
   * @param journal in which the step runs
   * @param inside what it saves goes into the draft, and is committed with what becomes of it
   */
  async forStep(
    reservation: Reservation,
    draft: NodeDraft,
    signal: AbortSignal,
    operation: JournaledOperation,
    journal: Journal,
    position: number,
    wake: Wake,
    inside: boolean,
  ): Promise<OwnContext> {
    const step = journal.steps[position] as Step;
    const work = inside
      ? await this.#forDraft(reservation, draft, signal)
      : await this.forWork(reservation, draft.row, signal);
    let saved: Json = step.checkpoint;
    const args =
      operation.kind === 'action'
        ? this.#opened(step.args, stepPlace(operation.uuid, position, 'args'))
        : step.args;
    const own = {
      operation: { uuid: operation.uuid, kind: operation.kind },
      step: { name: step.name, interface: step.interface, args },
      wake,
      attempt: step.attempt,
      get saved() {
        return saved;
      },
      checkpoint: async (value: Json) => {
        if (inside) throw new FerricError('internal', 'a step that stays inside has nothing to come back to');
        await reservation.ensure(1_000);
        await this.deps.writer.checkpoint(reservation, operation.id, position, value);
        saved = value;
      },
      tell: (text: string) =>
        this.deps.writer.tell(reservation, {
          node_uuid: reservation.node.uuid,
          event_type: 'provision',
          severity: 'WARNING',
          event: text,
          conductor: this.deps.host,
          request_id: operation.request_id,
        }),
      commit: <T>(act: (manager: EntityManager, fence: Fence) => Promise<T>): Promise<T> =>
        inTransaction(this.deps.source, async (manager) => {
          await this.deps.nodes.reservations.assertHeld(reservation.node.uuid, reservation.fence, manager);
          return act(manager, reservation.fence);
        }),
    };
    // Keeps the getters of both alive, where a spread would freeze their first value.
    return Object.defineProperties(
      {},
      {
        ...Object.getOwnPropertyDescriptors(work),
        ...Object.getOwnPropertyDescriptors(own),
      },
    ) as OwnContext;
  }

  async #forDraft(
    reservation: Reservation,
    draft: NodeDraft,
    signal: AbortSignal,
  ): Promise<WorkContext & { all: Interfaces }> {
    const all = this.deps.registry.resolve(draft.row);
    const base = await this.#base(draft.row, this.#portsOf(reservation), signal);
    const save = async (changes: NodeChanges) => draft.put(changes);
    return {
      ...base,
      interfaces: {
        ...all,
        power: recording(all.power, (state) => save({ power_state: state }), this.deps.sources),
      },
      all,
      get node() {
        return draft.node;
      },
      save,
      fence: (duration: number) => reservation.ensure(duration),
    };
  }

  /** Arguments of an action are sealed as a whole. */
  #opened(args: JsonObject, place: SealedPlace): JsonObject {
    const { sealed } = args;
    return typeof sealed === 'string'
      ? (JSON.parse(this.deps.nodes.openText(sealed, place)) as JsonObject)
      : args;
  }

  /** They were written under this reservation. */
  forgetPorts(reservation: Reservation): void {
    this.#ports.delete(reservation);
  }

  /** Read once for each time that the node is held. */
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
    signal: AbortSignal,
  ): Promise<Pick<DriverContext, 'node' | 'ports' | 'log' | 'attended' | 'signal'>> {
    return {
      node: clearNode(node, this.deps.nodes),
      ports: await ports,
      log: this.deps.log.child({ node: node.uuid }),
      attended: true,
      signal,
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
      // Before a start: the machine may ask for its address before the BMC has said that it runs.
      if (settled === 'power on') await sources.silence(context.node.uuid);
      await power.setPowerState(context, target, timeout);
      if (settled === 'power off') await sources.silence(context.node.uuid);
      await record(settled);
    },
  };
}

import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../database/data-source.js';
import { FerricError } from '../domain/errors.js';
import { type PowerState, settledPower } from '../domain/power/power.js';
import type { Json, JsonObject, Step, Wake } from '../domain/step/step.js';
import type { DriverContext, DriverNode, NodeChanges } from '../driver/contract/context.js';
import type { Interfaces } from '../driver/contract/interfaces.js';
import type { PowerInterface } from '../driver/contract/power.js';
import type { WorkContext } from '../driver/contract/step.js';
import type { DriverRegistry } from '../driver/registry.js';
import type { HardwareRepository } from '../hardware/hardware.repository.js';
import type { Node } from '../node/node.entity.js';
import type { Fence, NodeRepository } from '../node/node.repository.js';
import type { JournaledOperation, OperationRepository } from '../operation/operation.repository.js';
import type { Logger } from '../platform/logger.js';
import type { Port } from '../port/port.entity.js';
import type { PortRepository } from '../port/port.repository.js';
import type { Lease } from './reservation.js';
import type { OwnContext } from './workflow/own-step.js';

/** Columns that heartbeats and steps both write: a step's save changes only the keys that it changed. */
const MERGED = ['driver_internal_info', 'instance_info'] as const;

/** Builds what drivers are given: nobody else hands out a node with its secrets in clear. */
export class NodeContexts {
  readonly #ports = new WeakMap<Lease, Promise<Port[]>>();

  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      ports: PortRepository;
      operations: OperationRepository;
      hardware: HardwareRepository;
      registry: DriverRegistry;
      log: Logger;
    },
  ) {}

  /** For looking only: validation, reading power. `save` is refused, `fence` has nothing to guard. */
  async forReading(node: Node, signal: AbortSignal): Promise<WorkContext & { all: Interfaces }> {
    const all = this.deps.registry.resolve(node);
    const base = await this.#base(node, this.deps.ports.ofNode(node.uuid), signal);
    return {
      ...base,
      interfaces: all,
      all,
      node: base.node,
      save: () => Promise.reject(new FerricError('internal', 'a reading context cannot save')),
      fence: () => Promise.resolve(),
    };
  }

  /** For acting under a reservation. */
  async forWork(lease: Lease, node: Node, signal: AbortSignal): Promise<WorkContext & { all: Interfaces }> {
    const all = this.deps.registry.resolve(node);
    const base = await this.#base(node, this.#portsOf(lease), signal);
    let row = node;
    let current = base.node;
    const context: WorkContext & { all: Interfaces } = {
      ...base,
      // Whatever changes the power, the record follows.
      interfaces: { ...all, power: recording(all.power, (state) => context.save({ power_state: state })) },
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
          ? await this.deps.nodes.updateUnchanged(row, merged, columns, lease.fence)
          : null;
        // Otherwise somebody else wrote them too, or the lease is lost: then this throws.
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
            const edited = await nodes.edit(node.uuid, lease.fence, merge, manager);
            if (bios_settings) await hardware.replaceBiosSettings(node.uuid, bios_settings, manager);
            if (firmware_components) await hardware.noteFirmware(node.uuid, firmware_components, manager);
            if (inventory) await hardware.replaceInventory(node.uuid, inventory, manager);
            return edited;
          }));
        current = clearNode(row, this.deps.nodes);
      },
      fence: (duration: number) => lease.ensure(duration),
    };
    return context;
  }

  async forStep(
    lease: Lease,
    node: Node,
    signal: AbortSignal,
    operation: JournaledOperation,
    position: number,
    wake: Wake,
  ): Promise<OwnContext> {
    const step = operation.journal.steps[position] as Step;
    const work = await this.forWork(lease, node, signal);
    let saved: Json = step.checkpoint;
    const own = {
      operation: { uuid: operation.uuid, kind: operation.kind },
      step: { name: step.name, interface: step.interface, args: this.#opened(step.args) },
      wake,
      attempt: step.attempt,
      get saved() {
        return saved;
      },
      checkpoint: async (value: Json) => {
        await lease.ensure(1_000);
        await inTransaction(this.deps.source, async (manager) => {
          await this.deps.nodes.assertHeld(node.uuid, lease.fence, manager);
          await this.deps.operations.saveCheckpoint(operation.id, position, value, manager);
        });
        saved = value;
      },
      commit: <T>(act: (manager: EntityManager, fence: Fence) => Promise<T>): Promise<T> =>
        inTransaction(this.deps.source, async (manager) => {
          await this.deps.nodes.assertHeld(node.uuid, lease.fence, manager);
          return act(manager, lease.fence);
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

  /** Arguments of an action are sealed as a whole. */
  #opened(args: JsonObject): JsonObject {
    const { sealed } = args;
    return typeof sealed === 'string' ? (JSON.parse(this.deps.nodes.openText(sealed)) as JsonObject) : args;
  }

  /** They were written under this reservation. */
  forgetPorts(lease: Lease): void {
    this.#ports.delete(lease);
  }

  /** Read once for each time that the node is held. */
  #portsOf(lease: Lease): Promise<Port[]> {
    let ports = this.#ports.get(lease);
    if (!ports) {
      ports = this.deps.ports.ofNode(lease.node.uuid);
      this.#ports.set(lease, ports);
    }
    return ports;
  }

  async #base(
    node: Node,
    ports: Promise<Port[]>,
    signal: AbortSignal,
  ): Promise<Pick<DriverContext, 'node' | 'ports' | 'log' | 'signal'>> {
    return {
      node: clearNode(node, this.deps.nodes),
      ports: await ports,
      log: this.deps.log.child({ node: node.uuid }),
      signal,
    };
  }
}

function recording(power: PowerInterface, record: (state: PowerState) => Promise<void>): PowerInterface {
  return {
    name: power.name,
    properties: power.properties,
    targets: power.targets,
    validate: (context) => power.validate(context),
    getPowerState: (context) => power.getPowerState(context),
    setPowerState: async (context, target, timeout) => {
      await power.setPowerState(context, target, timeout);
      await record(settledPower(target));
    },
  };
}

function clearNode(node: Node, nodes: NodeRepository): DriverNode {
  return { ...node, ...nodes.withSecrets(node) };
}

/** Applies to `now` what changed from `before` to `after`, key by key. */
export function mergeKeys(before: JsonObject, after: JsonObject, now: JsonObject): JsonObject {
  const merged = { ...now };
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!(key in after)) delete merged[key];
    else if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) merged[key] = after[key]!;
  }
  return merged;
}

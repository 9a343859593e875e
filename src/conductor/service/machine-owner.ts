import type { DataSource } from 'typeorm';
import { inTransaction } from '../../database/data-source.js';
import { agentAt } from '../../domain/actor.js';
import { NotFoundError } from '../../domain/errors.js';
import { identifyingMacs } from '../../domain/node/machine-macs.js';
import type { EventRepository } from '../../persistence/event/event.repository.js';
import type { SourceRule } from '../../persistence/lease/source-rule.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { PortRepository } from '../../persistence/port/port.repository.js';

/** A ramdisk's request, identified by its MAC addresses. */
export interface Asking {
  /** Lower case with colons. */
  macs: readonly string[];
  /** The address that the machine booted from, where it is reported. */
  booted?: string | null;
  source: string;
}

/** Finds the node of a machine by its MAC addresses: one rule for lookups and inspection reports. */
export class MachineOwner {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      ports: PortRepository;
      events: EventRepository;
      sources: Pick<SourceRule, 'machineAt' | 'speaksFor'>;
      /** MAC addresses in lower case. */
      inspector: { ignored_macs: readonly string[] };
      host: string;
    },
  ) {}

  /**
   * @param may whether a ramdisk is expected of the node: only such a node gets the error of an ambiguity
   * @returns null when none of the addresses is a port's
   * @throws NotFoundError when they belong to several nodes and nothing else decides
   */
  async find({ macs, booted = null, source }: Asking, may: (node: Node) => boolean): Promise<Node | null> {
    const { nodes, ports, sources, inspector } = this.deps;
    const all = await ports.byAddresses(macs);
    const own = identifyingMacs(macs, inspector.ignored_macs, booted);
    const rows = all.filter(({ address }) => own.includes(address));
    const owners = [...new Set(rows.map(({ node_uuid }) => node_uuid))].toSorted();
    if (owners.length === 1) return nodes.find(owners[0]!);
    // A lease of this boot is stronger evidence than the MAC addresses.
    const machine = await sources.machineAt(source);
    if (all.some(({ node_uuid }) => node_uuid === machine)) return nodes.find(machine!);
    if (owners.length === 0) return null;
    const listed = owners.map((uuid) => {
      const of = rows.filter((row) => row.node_uuid === uuid).map(({ address }) => address);
      return `${uuid} (${of.toSorted().join(', ')})`;
    });
    for (const uuid of owners) {
      const node = await nodes.find(uuid);
      if (node && may(node) && (await sources.speaksFor(uuid, source)))
        await this.#tell(node, listed, source);
    }
    throw new NotFoundError(`its MAC addresses are of several nodes: ${listed.join(', ')}`);
  }

  /** Recorded once: a ramdisk repeats its request. */
  async #tell(node: Node, listed: readonly string[], from: string): Promise<void> {
    const text =
      `A ramdisk asked with MAC addresses that are ports of several nodes, and was told none of them: ` +
      `${listed.join(', ')}. Delete the ports that are not the machine's own; where many machines have an address in ` +
      'common, such as that of a BMC’s USB network card, name it in inspector.ignored_macs.';
    const { source, nodes, events, host } = this.deps;
    await inTransaction(source, async (manager) => {
      let first = false;
      await nodes.edit(
        node.uuid,
        null,
        ({ last_error }) => {
          first = last_error !== text;
          return first ? { last_error: text } : null;
        },
        manager,
      );
      const row = {
        node_uuid: node.uuid,
        event_type: 'lookup',
        kind: 'node.note' as const,
        severity: 'ERROR',
        event: text,
        conductor: host,
        actor: agentAt(from),
      };
      if (first) await events.add(row, manager);
    });
  }
}

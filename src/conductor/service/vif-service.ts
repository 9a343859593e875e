import type { DataSource } from 'typeorm';
import type { Actor } from '../../domain/actor.js';
import type { Change } from '../../domain/change.js';
import type { Interfaces } from '../../driver/contract/interfaces.js';
import type { Vif } from '../../driver/contract/network.js';
import type { WorkContext } from '../../driver/contract/step.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { Changes } from '../execution/changes.js';
import type { NodeContexts } from '../execution/node-context.js';
import type { Reserving } from '../execution/reservation.js';

/** VIFs: read from the node's network interface, changed under the node's reservation. */
export class VifService {
  constructor(
    private readonly deps: {
      source: DataSource;
      nodes: NodeRepository;
      changes: Changes;
      contexts: NodeContexts;
      reservations: Reserving;
    },
  ) {}

  async list(ident: string): Promise<Vif[]> {
    const node = await this.deps.nodes.get(ident);
    return this.deps.contexts.forReading(node, {}, async (context) => {
      await context.all.network.validate(context);
      return context.all.network.listVifs(context);
    });
  }

  async attach(ident: string, vif: Vif, by: Actor): Promise<void> {
    await this.#reserved(ident, async (context) => {
      await context.all.network.attachVif(context, vif);
      const text = `VIF ${vif.id} was attached.`;
      await this.#tell({
        kind: 'vif.attached',
        node_uuid: context.node.uuid,
        resource: vif.id,
        actor: by,
        text,
      });
    });
  }

  async detach(ident: string, id: string, by: Actor): Promise<void> {
    await this.#reserved(ident, async (context) => {
      await context.all.network.detachVif(context, id);
      const text = `VIF ${id} was detached.`;
      await this.#tell({ kind: 'vif.detached', node_uuid: context.node.uuid, resource: id, actor: by, text });
    });
  }

  #reserved(
    ident: string,
    work: (context: WorkContext & { all: Interfaces }) => Promise<void>,
  ): Promise<void> {
    return this.deps.reservations.reserved(ident, (reservation) =>
      this.deps.contexts.forWork(reservation, reservation.node, reservation.signal, async (context) => {
        await context.all.network.validate(context);
        await work(context);
      }),
    );
  }

  /** Recorded once it is done: the network interface takes part in no transaction. */
  #tell(change: Change): Promise<void> {
    return this.deps.changes.write(change, this.deps.source);
  }
}

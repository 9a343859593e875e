import type { Vif } from '../../driver/contract/network.js';
import type { NodeRepository } from '../../persistence/node/node.repository.js';
import type { NodeContexts } from '../execution/node-context.js';
import type { Requester } from '../execution/requester.js';
import type { Reserving } from '../execution/reservation.js';

/** VIFs: asked of the node's network interface, changed under the node's reservation. */
export class VifService {
  constructor(
    private readonly deps: {
      nodes: NodeRepository;
      contexts: NodeContexts;
      reservations: Reserving;
    },
  ) {}

  async list(ident: string): Promise<Vif[]> {
    const node = await this.deps.nodes.get(ident);
    const context = await this.deps.contexts.forReading(node, AbortSignal.timeout(60_000));
    await context.all.network.validate(context);
    return context.all.network.listVifs(context);
  }

  async attach(ident: string, vif: Vif, _by: Requester): Promise<void> {
    await this.deps.reservations.reserved(ident, async (reservation) => {
      const context = await this.deps.contexts.forWork(reservation, reservation.node, reservation.signal);
      await context.all.network.validate(context);
      await context.all.network.attachVif(context, vif);
    });
  }

  async detach(ident: string, id: string, _by: Requester): Promise<void> {
    await this.deps.reservations.reserved(ident, async (reservation) => {
      const context = await this.deps.contexts.forWork(reservation, reservation.node, reservation.signal);
      await context.all.network.validate(context);
      await context.all.network.detachVif(context, id);
    });
  }
}

import { InvalidError } from '../../domain/errors.js';
import { factsOf, isProvisionState } from '../../domain/provision/machine.js';
import type { Node } from '../../persistence/node/node.entity.js';
import type { VolumeConnector, VolumeTarget } from '../../persistence/volume/volume.entity.js';
import type {
  VolumeConnectorChanges,
  VolumeConnectorRepository,
  VolumeTargetChanges,
  VolumeTargetRepository,
} from '../../persistence/volume/volume.repository.js';
import type { Requester } from '../execution/requester.js';
import type { Reserving } from '../execution/reservation.js';

/** Edits of volumes: each under the reservation of their node, which must be powered off. */
export class VolumeService {
  constructor(
    private readonly deps: {
      connectors: VolumeConnectorRepository;
      targets: VolumeTargetRepository;
      reservations: Reserving;
    },
  ) {}

  async updateConnector(
    uuid: string,
    edit: (connector: VolumeConnector) => VolumeConnectorChanges,
    _by: Requester,
  ): Promise<VolumeConnector> {
    const { connectors, reservations } = this.deps;
    const { node_uuid } = await connectors.get(uuid);
    return reservations.reserved(node_uuid, async ({ node }) => {
      refuseWhilePowered(node, 'volume connector update');
      const changes = edit(await connectors.get(uuid));
      const write = () => connectors.edit(uuid, edit);
      return this.#onNode(node, changes.node_uuid, 'volume connector update', write);
    });
  }

  async deleteConnector(uuid: string, _by: Requester): Promise<void> {
    const { connectors, reservations } = this.deps;
    const { node_uuid } = await connectors.get(uuid);
    await reservations.reserved(node_uuid, async ({ node }) => {
      if (!isDeletable(node)) refuseWhilePowered(node, 'volume connector deletion');
      await connectors.delete(uuid);
    });
  }

  /** @param edit gets the target with its secrets in clear */
  async updateTarget(
    uuid: string,
    edit: (target: VolumeTarget) => VolumeTargetChanges,
    _by: Requester,
  ): Promise<VolumeTarget> {
    const { targets, reservations } = this.deps;
    const { node_uuid } = await targets.get(uuid);
    return reservations.reserved(node_uuid, async ({ node }) => {
      refuseWhilePowered(node, 'volume target update');
      const changes = edit(targets.clear(await targets.get(uuid)));
      const write = () => targets.edit(uuid, edit);
      return this.#onNode(node, changes.node_uuid, 'volume target update', write);
    });
  }

  async deleteTarget(uuid: string, _by: Requester): Promise<void> {
    const { targets, reservations } = this.deps;
    const { node_uuid } = await targets.get(uuid);
    await reservations.reserved(node_uuid, async ({ node }) => {
      if (!isDeletable(node)) refuseWhilePowered(node, 'volume target deletion');
      await targets.delete(uuid);
    });
  }

  /** The node that gets the volume must be powered off, too. @param to undefined: it stays where it is */
  #onNode<T>(node: Node, to: string | undefined, action: string, write: () => Promise<T>): Promise<T> {
    if (to === undefined || to === node.uuid) return write();
    return this.deps.reservations.reserved(to, (other) => {
      refuseWhilePowered(other.node, action);
      return write();
    });
  }
}

/** Whether the node itself could be deleted in its state (Ironic: DELETE_ALLOWED_STATES, without `available`). */
function isDeletable({ provision_state: state }: Node): boolean {
  return isProvisionState(state) && state !== 'available' && factsOf(state).deletable === true;
}

function refuseWhilePowered(node: Node, action: string): void {
  if (node.power_state === 'power off') return;
  throw new InvalidError(
    `The requested action "${action}" can not be performed on node "${node.uuid}" while it is in state ` +
      `"${node.power_state ?? 'None'}".`,
  );
}

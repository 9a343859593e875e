import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import type { Port } from '../../../persistence/port/port.entity.js';
import { PortRepository } from '../../../persistence/port/port.repository.js';
import type { Asked } from '../../request/asked.js';

/** Finds the port that a path names. */
@Injectable()
export class PortFinder {
  constructor(
    private readonly ports: PortRepository,
    private readonly nodes: NodeRepository,
  ) {}

  /**
   * The port, once the route's rule allows the request on its node.
   * @param ident uuid, MAC address or name
   * @throws NotFoundError with the same text for a missing port and for one whose node may not be seen
   */
  async find(ident: string, { scope }: Asked): Promise<Port> {
    const named = canonicalUuid(ident) ?? ident;
    const port = await this.ports.get(named);
    if (!scope.isRestricted) return port;
    const node = await this.nodes.find(port.node_uuid);
    if (!node || !scope.allows('baremetal:node:get', node)) {
      throw new NotFoundError(`Port ${named} could not be found.`);
    }
    scope.demandRoute(node);
    return port;
  }
}

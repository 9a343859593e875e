import { Injectable } from '@nestjs/common';
import type { Portgroup } from '../../../persistence/portgroup/portgroup.entity.js';
import { PortgroupRepository } from '../../../persistence/portgroup/portgroup.repository.js';
import type { Asked } from '../../request/asked.js';
import { uuidOrName } from '../../request/value.js';
import { NodeLink } from '../node/node-link.js';

/** Finds the port group that a path or a parameter names. */
@Injectable()
export class PortgroupFinder {
  constructor(
    private readonly portgroups: PortgroupRepository,
    private readonly link: NodeLink,
  ) {}

  /**
   * The port group, once the route's rule allows the request on its node.
   * @throws NotFoundError, ForbiddenError, InvalidError for a text that is neither uuid nor name
   */
  async find(ident: string, asked: Asked): Promise<Portgroup> {
    const found = await this.#named(ident, asked);
    await this.link.demandRoute(found.node_uuid, `Portgroup ${ident} could not be found.`, asked);
    return found;
  }

  async #named(ident: string, asked: Asked): Promise<Portgroup> {
    uuidOrName('portgroup', ident);
    const found = await this.portgroups.find(ident);
    if (found || !asked.jsonSuffix) return found ?? this.portgroups.get(ident);
    return this.portgroups.get(`${ident}.json`);
  }
}

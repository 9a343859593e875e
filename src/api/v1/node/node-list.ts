import { Injectable } from '@nestjs/common';
import { ChassisRepository } from '../../../chassis/chassis.repository.js';
import { NodeRepository } from '../../../node/node.repository.js';
import type { NodeFilter } from '../../../node/node-filter.js';
import type { ApiRequest } from '../../request/asked.js';
import { readListing, withNext } from '../../resource/listing.js';
import { ApiSettings } from '../../settings.js';
import { NODE_FIELDS } from './fields.js';
import { NODE_FILTERS, nodeFilterOf } from './filters.js';
import { NodeView } from './node-view.js';

/** Listings of nodes: all, or those below another resource, with or without detail. */
@Injectable()
export class NodeList {
  constructor(
    private readonly nodes: NodeRepository,
    private readonly chassis: ChassisRepository,
    private readonly view: NodeView,
    private readonly settings: ApiSettings,
  ) {}

  /**
   * @param path below /v1, for `next`
   * @param below what the path narrows the listing to, besides the query's filters
   * @param whole the path asks for all fields
   */
  async list(request: ApiRequest, path: string, below: NodeFilter = {}, whole = false) {
    const of = { fields: NODE_FIELDS, filters: NODE_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit, whole);
    const { asked, given, page, selection, view } = listing;
    const project = asked.scope.confine(given.project);
    const own = nodeFilterOf(given);
    if (own === null) return { nodes: [] };
    const filter: NodeFilter = { ...own, ...below };
    if (project !== undefined) filter.project = project;
    if (filter.chassis_uuid !== undefined) await this.chassis.get(filter.chassis_uuid);
    const columns = [...listing.columns, 'target_provision_state', 'owner', 'lessee'];
    const rows = await this.nodes.list(filter, page, columns);
    const nodes = await this.view.show(rows, asked, selection, view);
    const isLookup = given.instance_uuid !== undefined;
    return withNext('nodes', path, listing, nodes, isLookup ? undefined : rows.at(-1)?.uuid);
  }
}

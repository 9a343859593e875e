import { Injectable } from '@nestjs/common';
import { InvalidError } from '../../../domain/errors.js';
import {
  type PortgroupFilter,
  PortgroupRepository,
} from '../../../persistence/portgroup/portgroup.repository.js';
import type { ApiRequest } from '../../request/asked.js';
import type { ParameterTable } from '../../request/query.js';
import { macAddress, stringList, uuidOrName } from '../../request/value.js';
import { answerListing, detailListingOf, listingOf, readListing } from '../../resource/listing.js';
import { ApiSettings } from '../../settings.js';
import { NodeFinder } from '../node/node-finder.js';
import { PORTGROUP_FIELDS } from './fields.js';

const PORTGROUP_FILTERS = {
  node: { read: uuidOrName, about: 'Port groups of this node' },
  address: { read: macAddress, about: 'The port group of this MAC address' },
  shard: { since: 106, read: stringList, about: 'Port groups of nodes in these shards, comma-separated' },
  // New in 1.99, but Ironic's controllers do not check the version.
  conductor_groups: { read: stringList, about: 'Port groups of nodes in these groups' },
} as const satisfies ParameterTable;
export const PORTGROUP_LIST = listingOf(PORTGROUP_FILTERS);
export const PORTGROUP_DETAIL_LIST = detailListingOf(PORTGROUP_FILTERS);

/** Listings of port groups: all, or those of one node. */
@Injectable()
export class PortgroupList {
  constructor(
    private readonly portgroups: PortgroupRepository,
    private readonly finder: NodeFinder,
    private readonly settings: ApiSettings,
  ) {}

  /**
   * @param path below /v1, for `next`
   * @param whole the path asks for all fields
   * @param parent uuid or name of the node that the path names
   */
  async list(request: ApiRequest, path: string, whole: boolean, parent?: string) {
    const of = { fields: PORTGROUP_FIELDS, filters: PORTGROUP_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit, whole);
    const { asked, given, page, columns } = listing;
    const project = asked.scope.confine();
    const node = parent ?? given.node;
    const filters = [node, given.address, given.shard, given.conductor_groups];
    if (filters.filter((filter) => filter !== undefined).length > 1) {
      throw new InvalidError('Filtering by node, address, or shard simultaneously is not supported.');
    }
    const filter: PortgroupFilter = {};
    if (project !== undefined) filter.project = project;
    if (node !== undefined) filter.node_uuid = (await this.finder.find(node, asked)).uuid;
    if (given.address !== undefined) filter.address = given.address;
    if (given.shard) filter.shards = given.shard;
    if (given.conductor_groups) filter.conductor_groups = given.conductor_groups;
    return answerListing('portgroups', path, listing, await this.portgroups.list(filter, page, columns));
  }
}

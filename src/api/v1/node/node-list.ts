import { Injectable } from '@nestjs/common';
import { ChassisRepository } from '../../../persistence/chassis/chassis.repository.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import type { NodeFilter } from '../../../persistence/node/node-filter.js';
import type { ApiRequest } from '../../request/asked.js';
import { type JsonText, ListText } from '../../resource/json-text.js';
import { nextOf, readListing } from '../../resource/listing.js';
import type { TextRow } from '../../resource/text-view.js';
import { ApiSettings } from '../../settings.js';
import { NODE_FIELDS } from './fields.js';
import { NODE_FILTERS, nodeFilterOf } from './filters.js';
import { NodeView } from './node-view.js';

/** Listings of nodes: all, or those of another resource, with or without detail. */
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
   * @param below filters from the path, besides the query's
   * @param whole the path asks for all fields
   */
  async list(request: ApiRequest, path: string, below: NodeFilter = {}, whole = false): Promise<JsonText> {
    const of = { fields: NODE_FIELDS, filters: NODE_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit, whole);
    const { asked, given, page, selection } = listing;
    const project = asked.scope.confine(given.project);
    const own = nodeFilterOf(given);
    if (own === null) return new ListText('nodes').end(null);
    const filter: NodeFilter = { ...own, ...below };
    if (project !== undefined) filter.project = project;
    if (filter.chassis_uuid !== undefined) await this.chassis.get(filter.chassis_uuid);
    const text = new ListText('nodes');
    let last: string | undefined;
    await this.view.write(text, asked, selection, ({ columns, groups }, take) =>
      this.nodes.each<TextRow<Node>>(filter, page, { columns, groups }, (row) => {
        last = row.uuid;
        take(row);
      }),
    );
    const isLookup = given.instance_uuid !== undefined;
    return text.end(nextOf(path, listing, text.length, isLookup ? undefined : last));
  }
}

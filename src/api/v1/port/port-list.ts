import { Injectable } from '@nestjs/common';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { type PortFilter, PortRepository } from '../../../port/port.repository.js';
import type { ApiRequest } from '../../request/asked.js';
import { type Arguments, type ParameterTable, readQuery } from '../../request/query.js';
import { macAddress, stringList, text, uuid, uuidOrName } from '../../request/value.js';
import { nextPage, PAGING, pageOf, repeatable, SELECTING, selectionOf } from '../../resource/collection.js';
import { checkSortKey, type Selection, viewOf } from '../../resource/field.js';
import { ApiSettings } from '../../settings.js';
import { NodeFinder } from '../node/node-finder.js';
import { PORT_FIELDS } from './fields.js';

const PORT_FILTERS = {
  node: { read: uuidOrName, about: 'Ports of this node' },
  node_uuid: { read: uuid, about: 'Ports of this node' },
  address: { read: macAddress, about: 'The port of this MAC address' },
  portgroup: { since: 24, read: uuidOrName, about: 'Ports of this port group' },
  shard: { since: 82, read: stringList, about: 'Ports of nodes in these shards, comma-separated' },
  description_contains: { read: text, about: 'Ports whose description has this text in it' },
  conductor_groups: { since: 99, read: stringList, about: 'Ports of nodes in these groups' },
} as const satisfies ParameterTable;
export const PORT_DETAIL_LIST = { ...PORT_FILTERS, ...PAGING } as const satisfies ParameterTable;
export const PORT_LIST = { ...PORT_DETAIL_LIST, ...SELECTING } as const satisfies ParameterTable;

/** Listings of ports: all, those of one node, with or without detail. */
@Injectable()
export class PortList {
  constructor(
    private readonly ports: PortRepository,
    private readonly finder: NodeFinder,
    private readonly settings: ApiSettings,
  ) {}

  /** @param node uuid or name that the path names */
  async list(request: ApiRequest, path: string, node?: string) {
    const given = readQuery(request.query, PORT_LIST, request.asked.version);
    return this.#list(request, given, selectionOf(given, request.asked.version), path, node);
  }

  async detail(request: ApiRequest) {
    const given = readQuery(request.query, PORT_DETAIL_LIST, request.asked.version);
    return this.#list(request, given, 'whole', 'ports/detail');
  }

  async #list(
    { asked, query }: ApiRequest,
    given: Arguments<typeof PORT_LIST>,
    selection: Selection,
    path: string,
    parent?: string,
  ) {
    const page = pageOf(given, this.settings.maxLimit);
    checkSortKey(PORT_FIELDS, asked.version, page.sort_key);
    const view = viewOf(PORT_FIELDS, asked.version, selection);
    const named = parent ?? given.node_uuid ?? given.node;
    if ([named, given.portgroup, given.shard].filter((each) => each !== undefined).length > 1) {
      throw new FerricError('forbidden', 'Operation not permitted.');
    }
    if (given.conductor_groups && (named ?? given.portgroup ?? given.address) !== undefined) {
      throw new InvalidError(
        'Filtering by conductor_groups cannot be combined with node_ident, portgroup_ident, or node address filters.',
      );
    }
    if (given.node !== undefined && !asked.version.does('nodeName') && canonicalUuid(given.node) === null) {
      throw new FerricError('not-acceptable', 'Request not acceptable.');
    }
    // There are no port groups yet.
    if (given.portgroup !== undefined) return { ports: [] };
    const filter: PortFilter = {};
    if (named !== undefined) filter.node_uuid = (await this.finder.find(named, asked)).uuid;
    if (given.address !== undefined) filter.address = given.address;
    if (given.shard) filter.shards = given.shard;
    if (given.description_contains !== undefined) filter.description_contains = given.description_contains;
    if (given.conductor_groups) filter.conductor_groups = given.conductor_groups;
    const rows = await this.ports.list(filter, page, [...new Set([...view.columns, 'uuid'])]);
    const ports = rows.map((row) => view.show(row, asked));
    const last = rows.at(-1);
    if (!last || rows.length < page.limit) return { ports };
    return { ports, next: nextPage(asked.base, path, page, repeatable(query), last.uuid) };
  }
}

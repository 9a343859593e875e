import { Controller, Get, Req } from '@nestjs/common';
import { NotFoundError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { EventRepository } from '../../../persistence/event/event.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { boolean, shorten } from '../../request/value.js';
import { nextPage, PAGING, pageOf, repeatable } from '../../resource/collection.js';
import { checkSortKey, viewOf } from '../../resource/field.js';
import { ApiSettings } from '../../settings.js';
import { HISTORY, HISTORY_FIELDS, shortEvent } from './history-fields.js';
import { NodeFinder } from './node-finder.js';

export const HISTORY_LIST = {
  ...PAGING,
  detail: { read: boolean, about: 'Show all fields' },
} as const satisfies ParameterTable;

/** The history of a node, from the events of its transitions. */
@Controller('v1/nodes/:ident/history')
export class NodeHistoryController {
  constructor(
    private readonly events: EventRepository,
    private readonly finder: NodeFinder,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Since(78)
  @Policy('baremetal:node:history:get')
  @Describe({
    summary: 'What happened to a node',
    query: HISTORY_LIST,
    answer: { page: HISTORY, key: 'history' },
  })
  list(@Req() request: ApiRequest) {
    const { detail = false } = readQuery(request.query, HISTORY_LIST, request.asked.version);
    return this.#list(request, detail);
  }

  /** python-ironicclient requests this path for --long; Ironic itself has no such route. */
  @Get('detail')
  @Since(78)
  @Policy('baremetal:node:history:get')
  @Describe({
    summary: 'What happened to a node, with all fields',
    query: HISTORY_LIST,
    answer: { page: HISTORY, key: 'history' },
  })
  detail(@Req() request: ApiRequest) {
    return this.#list(request, true);
  }

  @Get(':event')
  @Since(78)
  @Policy('baremetal:node:history:get')
  @Describe({ summary: 'One event of a node', answer: { one: HISTORY } })
  async show(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const wanted = canonicalUuid(params['event']!);
    const row = wanted === null ? null : await this.events.find(wanted);
    if (row?.node_uuid !== node.uuid) {
      throw new NotFoundError(`Node history record ${shorten(params['event']!)} could not be found.`);
    }
    return viewOf(HISTORY_FIELDS, asked.version, 'whole').show(row, asked);
  }

  async #list({ asked, params, query }: ApiRequest, detail: boolean) {
    const given = readQuery(query, HISTORY_LIST, asked.version);
    const node = await this.finder.find(params['ident']!, asked);
    const page = pageOf(given, this.settings.maxLimit, 'created_at');
    checkSortKey(HISTORY_FIELDS, asked.version, page.sort_key);
    const view = viewOf(HISTORY_FIELDS, asked.version, detail ? 'whole' : 'brief');
    const rows = await this.events.history(node, page);
    const shown = rows.map((row) => view.show(row, asked));
    const history = detail ? shown : shown.map(shortEvent);
    const last = rows.at(-1);
    if (!last || rows.length < page.limit) return { history };
    const path = `nodes/${encodeURIComponent(params['ident']!)}/history`;
    const kept = { ...repeatable(query), ...(detail ? { detail: 'True' } : {}) };
    return { history, next: nextPage(asked.base, path, page, kept, last.uuid) };
  }
}

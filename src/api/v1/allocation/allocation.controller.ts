import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import type { Allocation } from '../../../persistence/allocation/allocation.entity.js';
import {
  type AllocationFilter,
  AllocationRepository,
} from '../../../persistence/allocation/allocation.repository.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { Policy } from '../../auth/policy.js';
import type { RuleName } from '../../auth/policy-table.js';
import { Since, SinceElse } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { TEXT } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest, Asked } from '../../request/asked.js';
import type { ParameterTable } from '../../request/query.js';
import { shorten, text, uuidOrName } from '../../request/value.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { findNamed } from '../../resource/ident.js';
import { answerListing, listingOf, readListing } from '../../resource/listing.js';
import { ApiSettings } from '../../settings.js';
import { NodeFinder } from '../node/node-finder.js';
import { AllocationEditor } from './allocation-editor.js';
import { ALLOCATION, ALLOCATION_FIELDS } from './fields.js';

const ALLOCATION_FILTERS = {
  node: { read: uuidOrName, about: 'The allocation of this node' },
  resource_class: { read: text, about: 'Allocations of this resource class' },
  state: { read: text, about: 'allocating, active or error' },
  owner: { since: 60, read: text, about: 'Allocations of this owner' },
} as const satisfies ParameterTable;
/** Listings show all fields, so there is no `detail`. */
const { detail: _detail, ...ALLOCATION_LIST } = listingOf(ALLOCATION_FILTERS);

@Controller('v1')
export class AllocationController {
  constructor(
    private readonly conductor: Conductor,
    private readonly allocations: AllocationRepository,
    private readonly finder: NodeFinder,
    private readonly editor: AllocationEditor,
    private readonly settings: ApiSettings,
  ) {}

  @Get('allocations')
  @Since(52)
  @Policy('baremetal:allocation:list_all')
  @Describe({
    summary: 'Allocations',
    query: ALLOCATION_LIST,
    answer: { page: ALLOCATION, key: 'allocations' },
  })
  async list(@Req() request: ApiRequest) {
    if ('detail' in request.query) throw new InvalidError('Unexpected arguments: detail');
    const of = { fields: ALLOCATION_FIELDS, filters: ALLOCATION_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit);
    const { node, resource_class, state } = listing.given;
    const owner = request.asked.scope.confine(listing.given.owner);
    const filter: AllocationFilter = {
      ...(resource_class === undefined ? {} : { resource_class }),
      ...(state === undefined ? {} : { state }),
      ...(owner === undefined ? {} : { owner }),
      ...(node === undefined ? {} : { node_uuid: (await this.#nodeNamed(node, request.asked)).uuid }),
    };
    const rows = await this.allocations.list(filter, listing.page, listing.columns);
    return answerListing('allocations', 'allocations', listing, rows);
  }

  @Post('allocations')
  @SinceElse(52, 405)
  @Policy('baremetal:allocation:create')
  @Describe({
    summary: 'Ask for a node',
    body: { creates: ALLOCATION, more: { node: TEXT } },
    answer: { one: ALLOCATION },
  })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const row = await this.editor.create(body, asked);
    return created(reply, 'allocations', ALLOCATION_FIELDS, row, asked);
  }

  @Get('allocations/:ident')
  @Since(52)
  @Policy('baremetal:allocation:get')
  @Describe({ summary: 'An allocation', query: SHOW, answer: { part: ALLOCATION } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, ALLOCATION_FIELDS);
    return view.show(await this.#find(request, 'baremetal:allocation:get'), request.asked);
  }

  @Patch('allocations/:ident')
  @SinceElse(57, 405)
  @Policy('baremetal:allocation:update')
  @Describe({
    summary: 'Change an allocation',
    body: { patches: ALLOCATION },
    answer: { one: ALLOCATION },
  })
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    const row = await this.editor.patch(
      await this.#find(request, 'baremetal:allocation:update'),
      body,
      asked,
    );
    return whole(ALLOCATION_FIELDS, row, asked);
  }

  @Delete('allocations/:ident')
  @HttpCode(204)
  @SinceElse(52, 405)
  @Policy('baremetal:allocation:delete')
  @Describe({ summary: 'Give up an allocation' })
  async delete(@Req() request: ApiRequest) {
    const row = await this.#find(request, 'baremetal:allocation:delete');
    await this.conductor.allocations.delete(row.uuid, request.asked.by);
  }

  @Get('nodes/:ident/allocation')
  @Since(52)
  @Policy('baremetal:allocation:get')
  @Describe({ summary: 'The allocation of a node', query: SHOW, answer: { part: ALLOCATION } })
  async ofNode(@Req() request: ApiRequest) {
    const view = readShow(request, ALLOCATION_FIELDS);
    const ident = request.params['ident']!;
    const row = await this.allocations.ofNode((await this.#nodeNamed(ident, request.asked)).uuid);
    if (!row) throw noneOf(ident);
    request.asked.scope.demand('baremetal:allocation:get', row);
    return view.show(row, request.asked);
  }

  @Delete('nodes/:ident/allocation')
  @HttpCode(204)
  @Since(52)
  @Policy('baremetal:allocation:delete')
  @Describe({ summary: 'Give up the allocation of a node' })
  async deleteOfNode(@Req() { asked, params }: ApiRequest) {
    const ident = params['ident']!;
    const node = await this.finder.see(ident, asked);
    const row = await this.allocations.ofNode(node.uuid);
    if (!row) throw noneOf(ident);
    asked.scope.demand('baremetal:allocation:delete', row);
    await this.conductor.allocations.delete(row.uuid, asked.by);
  }

  /** @throws NotFoundError with the same text for a missing allocation and for one that the requester may not see */
  async #find({ asked, params }: ApiRequest, rule: RuleName): Promise<Allocation> {
    const ident = params['ident']!;
    const row = await findNamed(this.allocations, ident, asked);
    if (!asked.scope.allows('baremetal:allocation:get', row)) {
      throw new NotFoundError(`Allocation ${ident} could not be found.`);
    }
    asked.scope.demand(rule, row);
    return row;
  }

  /** @throws InvalidError for a missing node and for one that the requester may not see, as in Ironic */
  async #nodeNamed(ident: string, asked: Asked): Promise<Node> {
    try {
      return await this.finder.see(ident, asked);
    } catch (error) {
      if (error instanceof NotFoundError) throw new InvalidError(error.message, { cause: error });
      throw error;
    }
  }
}

function noneOf(ident: string): NotFoundError {
  return new NotFoundError(`Allocation for node ${shorten(ident)} was not found`);
}

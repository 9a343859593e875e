import { randomUUID } from 'node:crypto';
import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError } from '../../../domain/errors.js';
import type { Chassis } from '../../../persistence/chassis/chassis.entity.js';
import { ChassisRepository } from '../../../persistence/chassis/chassis.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { uuid } from '../../request/value.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { PAGING } from '../../resource/collection.js';
import { answerListing, listingOf, readListing } from '../../resource/listing.js';
import { readCreation, readEdit } from '../../resource/write.js';
import { ApiSettings } from '../../settings.js';
import { NODE } from '../node/fields.js';
import { NODE_DETAIL_LIST, NODE_LIST } from '../node/filters.js';
import { NodeList } from '../node/node-list.js';
import { CHASSIS, CHASSIS_FIELDS } from './fields.js';

@Controller('v1/chassis')
export class ChassisController {
  constructor(
    private readonly chassis: ChassisRepository,
    private readonly conductor: Conductor,
    private readonly nodes: NodeList,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Since(1)
  @Policy('baremetal:chassis:get')
  @Describe({ summary: 'Chassis', query: listingOf({}), answer: { page: CHASSIS, key: 'chassis' } })
  list(@Req() request: ApiRequest) {
    return this.#list(request, 'chassis', false);
  }

  @Get('detail')
  @Since(1)
  @Policy('baremetal:chassis:get')
  @Describe({ summary: 'Chassis with all fields', query: PAGING, answer: { page: CHASSIS, key: 'chassis' } })
  detail(@Req() request: ApiRequest) {
    return this.#list(request, 'chassis/detail', true);
  }

  @Post()
  @Since(1)
  @Policy('baremetal:chassis:create')
  @Describe({ summary: 'Create a chassis', body: { creates: CHASSIS }, answer: { one: CHASSIS } })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const values = readCreation('chassis', CHASSIS_FIELDS, body, asked.version);
    const given = { ...values, uuid: values.uuid ?? randomUUID() };
    const row = await this.conductor.records.of('chassis', this.chassis).create(given, asked.by);
    return created(reply, 'chassis', CHASSIS_FIELDS, row, asked);
  }

  @Get(':uuid')
  @Since(1)
  @Policy('baremetal:chassis:get')
  @Describe({ summary: 'A chassis', query: SHOW, answer: { part: CHASSIS } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, CHASSIS_FIELDS);
    return view.show(await this.#find(request), request.asked);
  }

  @Patch(':uuid')
  @Since(1)
  @Policy('baremetal:chassis:update')
  @Describe({ summary: 'Change a chassis', body: { patches: CHASSIS }, answer: { one: CHASSIS } })
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    const edit = readEdit(CHASSIS_FIELDS, body, asked.version);
    // Any text is accepted: one that is not a UUID gives 404, not 400.
    const found = await this.chassis.get(request.params['uuid']!);
    const change = (chassis: Chassis) => {
      const { uuid, ...changes } = edit.apply(chassis).changes;
      if (uuid !== undefined) throw new InvalidError('Cannot overwrite UUID for an existing Chassis.');
      return changes;
    };
    const row = await this.conductor.records.of('chassis', this.chassis).edit(found.uuid, change, asked.by);
    return whole(CHASSIS_FIELDS, row, asked);
  }

  @Delete(':uuid')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:chassis:delete')
  @Describe({ summary: 'Delete a chassis without nodes' })
  async delete(@Req() request: ApiRequest) {
    const { uuid } = await this.#find(request);
    await this.conductor.records.of('chassis', this.chassis).delete(uuid, request.asked.by);
  }

  @Get(':uuid/nodes')
  @Since(1)
  @Policy('baremetal:node:list_all')
  @Describe({ summary: 'Nodes of a chassis', query: NODE_LIST, answer: { page: NODE, key: 'nodes' } })
  nodesOf(@Req() request: ApiRequest) {
    return this.#nodes(request, '');
  }

  @Get(':uuid/nodes/detail')
  @Since(1)
  @Policy('baremetal:node:list_all')
  @Describe({
    summary: 'Nodes of a chassis with all fields',
    query: NODE_DETAIL_LIST,
    answer: { page: NODE, key: 'nodes' },
  })
  nodesInDetail(@Req() request: ApiRequest) {
    return this.#nodes(request, '/detail');
  }

  async #list(request: ApiRequest, path: string, inDetail: boolean) {
    const of = { fields: CHASSIS_FIELDS, filters: {} };
    const listing = readListing(request, of, this.settings.maxLimit, inDetail);
    const rows = await this.chassis.list(listing.page, listing.columns);
    return answerListing('chassis', path, listing, rows);
  }

  #nodes(request: ApiRequest, detail: '' | '/detail') {
    const chassis_uuid = uuid('chassis_uuid', request.params['uuid']!);
    const path = `chassis/${chassis_uuid}/nodes${detail}`;
    return this.nodes.list(request, path, { chassis_uuid }, detail !== '');
  }

  #find({ params }: ApiRequest): Promise<Chassis> {
    return this.chassis.get(uuid('chassis_uuid', params['uuid']!));
  }
}

import { randomUUID } from 'node:crypto';
import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import type { Chassis } from '../../../chassis/chassis.entity.js';
import { type ChassisChanges, ChassisRepository } from '../../../chassis/chassis.repository.js';
import { InvalidError } from '../../../domain/errors.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { uuid } from '../../request/value.js';
import { created, readShow, whole } from '../../resource/answer.js';
import { answerListing, readListing } from '../../resource/listing.js';
import { readCreation, readEdit } from '../../resource/write.js';
import { ApiSettings } from '../../settings.js';
import { NodeList } from '../node/node-list.js';
import { CHASSIS_FIELDS } from './fields.js';

@Controller('v1/chassis')
export class ChassisController {
  constructor(
    private readonly chassis: ChassisRepository,
    private readonly nodes: NodeList,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Since(1)
  @Policy('baremetal:chassis:get')
  list(@Req() request: ApiRequest) {
    return this.#list(request, 'chassis', false);
  }

  @Get('detail')
  @Since(1)
  @Policy('baremetal:chassis:get')
  detail(@Req() request: ApiRequest) {
    return this.#list(request, 'chassis/detail', true);
  }

  @Post()
  @Since(1)
  @Policy('baremetal:chassis:create')
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const values = readCreation('chassis', CHASSIS_FIELDS, body, asked.version);
    const row = await this.chassis.create({
      ...values,
      uuid: (values['uuid'] as string | null) ?? randomUUID(),
    });
    return created(reply, 'chassis', CHASSIS_FIELDS, row, asked);
  }

  @Get(':uuid')
  @Since(1)
  @Policy('baremetal:chassis:get')
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, CHASSIS_FIELDS);
    return view.show(await this.#find(request), request.asked);
  }

  @Patch(':uuid')
  @Since(1)
  @Policy('baremetal:chassis:update')
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    const edit = readEdit(CHASSIS_FIELDS, body, asked.version);
    const found = await this.#find(request);
    const { changes } = edit.apply(found);
    if ('uuid' in changes) throw new InvalidError('Cannot overwrite UUID for an existing Chassis.');
    return whole(CHASSIS_FIELDS, await this.chassis.update(found.uuid, changes as ChassisChanges), asked);
  }

  @Delete(':uuid')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:chassis:delete')
  async delete(@Req() request: ApiRequest) {
    await this.chassis.delete((await this.#find(request)).uuid);
  }

  @Get(':uuid/nodes')
  @Since(1)
  @Policy('baremetal:node:list_all')
  nodesOf(@Req() request: ApiRequest) {
    return this.#nodes(request, '');
  }

  @Get(':uuid/nodes/detail')
  @Since(1)
  @Policy('baremetal:node:list_all')
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

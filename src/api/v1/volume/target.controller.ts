import { randomUUID } from 'node:crypto';
import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { VolumeTarget } from '../../../persistence/volume/volume.entity.js';
import { VolumeTargetRepository } from '../../../persistence/volume/volume.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest, Asked } from '../../request/asked.js';
import { uuid } from '../../request/value.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { answerListing } from '../../resource/listing.js';
import { readCreation, readEdit } from '../../resource/write.js';
import { NodeLink } from '../node/node-link.js';
import { TARGET, TARGET_FIELDS, type TargetReading } from './fields.js';
import { noNode, refuseNoUuid } from './node-uuid.js';
import { VOLUME_LIST, VolumeList } from './volume-list.js';

@Controller('v1')
export class VolumeTargetController {
  constructor(
    private readonly conductor: Conductor,
    private readonly targets: VolumeTargetRepository,
    private readonly lists: VolumeList,
    private readonly link: NodeLink,
  ) {}

  @Get('volume/targets')
  @Since(32)
  @Policy('baremetal:volume:list_all')
  @Describe({ summary: 'Volume targets', query: VOLUME_LIST, answer: { page: TARGET, key: 'targets' } })
  list(@Req() request: ApiRequest) {
    return this.#list(request, 'volume/targets');
  }

  @Get('nodes/:ident/volume/targets')
  @Since(32)
  @Policy('baremetal:volume:list_all')
  @Describe({
    summary: 'Volume targets of a node',
    query: VOLUME_LIST,
    answer: { page: TARGET, key: 'targets' },
  })
  ofNode(@Req() request: ApiRequest) {
    const ident = request.params['ident']!;
    return this.#list(request, `nodes/${encodeURIComponent(ident)}/volume/targets`, ident);
  }

  /** Needs no lock on the node: a new volume is unused. */
  @Post('volume/targets')
  @Since(32)
  @Policy('baremetal:volume:create')
  @Describe({ summary: 'Create a volume target', body: { creates: TARGET }, answer: { one: TARGET } })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const values = readCreation('target', TARGET_FIELDS, body, asked.version);
    await this.link.demandOnNew('baremetal:volume:create', values.node_uuid, asked, noNode);
    const given = { ...values, uuid: values.uuid ?? randomUUID() };
    const row = await this.conductor.volumes.createTarget(given, asked.by);
    return created(reply, 'volume/targets', TARGET_FIELDS, row, { ...asked, showsProperties: true });
  }

  @Get('volume/targets/:uuid')
  @Since(32)
  @Policy('baremetal:volume:get')
  @Describe({ summary: 'A volume target', query: SHOW, answer: { part: TARGET } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, TARGET_FIELDS);
    return view.show(await this.#find(request), reading(request.asked));
  }

  @Patch('volume/targets/:uuid')
  @Since(32)
  @Policy('baremetal:volume:update')
  @Describe({ summary: 'Change a volume target', body: { patches: TARGET }, answer: { one: TARGET } })
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    const found = await this.#find(request);
    const edit = readEdit(TARGET_FIELDS, body, asked.version);
    refuseNoUuid(edit);
    await this.link.refuseMove(edit, found.node_uuid, asked);
    const row = await this.conductor.volumes.updateTarget(
      found.uuid,
      (target) => edit.apply(target).changes,
      asked.by,
    );
    return whole(TARGET_FIELDS, row, reading(asked));
  }

  @Delete('volume/targets/:uuid')
  @HttpCode(204)
  @Since(32)
  @Policy('baremetal:volume:delete')
  @Describe({ summary: 'Delete a volume target' })
  async delete(@Req() request: ApiRequest) {
    await this.conductor.volumes.deleteTarget((await this.#find(request)).uuid, request.asked.by);
  }

  async #list(request: ApiRequest, path: string, parent?: string) {
    const { listing, filter } = await this.lists.read(request, TARGET_FIELDS, parent);
    const rows = await this.targets.list(filter, listing.page, listing.columns);
    return answerListing('targets', path, listing, rows, reading(listing.asked));
  }

  async #find({ params, asked }: ApiRequest): Promise<VolumeTarget> {
    const target = await this.targets.get(uuid('target_uuid', params['uuid']!));
    const missing = `Volume target ${target.uuid} could not be found.`;
    await this.link.demandRoute(target.node_uuid, missing, asked);
    return target;
  }
}

/** Properties may hold credentials of the volume. */
function reading(asked: Asked): TargetReading {
  return { ...asked, showsProperties: asked.scope.allows('baremetal:volume:view_target_properties') };
}

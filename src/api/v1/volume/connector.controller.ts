import { randomUUID } from 'node:crypto';
import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { VolumeConnector } from '../../../persistence/volume/volume.entity.js';
import { VolumeConnectorRepository } from '../../../persistence/volume/volume.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { uuid } from '../../request/value.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { answerListing } from '../../resource/listing.js';
import { readCreation, readEdit } from '../../resource/write.js';
import { NodeLink } from '../node/node-link.js';
import { CONNECTOR, CONNECTOR_FIELDS } from './fields.js';
import { noNode, refuseNoUuid } from './node-uuid.js';
import { VOLUME_LIST, VolumeList } from './volume-list.js';

@Controller('v1')
export class VolumeConnectorController {
  constructor(
    private readonly conductor: Conductor,
    private readonly connectors: VolumeConnectorRepository,
    private readonly lists: VolumeList,
    private readonly link: NodeLink,
  ) {}

  @Get('volume/connectors')
  @Since(32)
  @Policy('baremetal:volume:list_all')
  @Describe({
    summary: 'Volume connectors',
    query: VOLUME_LIST,
    answer: { page: CONNECTOR, key: 'connectors' },
  })
  list(@Req() request: ApiRequest) {
    return this.#list(request, 'volume/connectors');
  }

  @Get('nodes/:ident/volume/connectors')
  @Since(32)
  @Policy('baremetal:volume:list_all')
  @Describe({
    summary: 'Volume connectors of a node',
    query: VOLUME_LIST,
    answer: { page: CONNECTOR, key: 'connectors' },
  })
  ofNode(@Req() request: ApiRequest) {
    const ident = request.params['ident']!;
    return this.#list(request, `nodes/${encodeURIComponent(ident)}/volume/connectors`, ident);
  }

  /** Needs no lock on the node: a new volume is unused. */
  @Post('volume/connectors')
  @Since(32)
  @Policy('baremetal:volume:create')
  @Describe({
    summary: 'Create a volume connector',
    body: { creates: CONNECTOR },
    answer: { one: CONNECTOR },
  })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const values = readCreation('connector', CONNECTOR_FIELDS, body, asked.version);
    await this.link.demandOnNew('baremetal:volume:create', values.node_uuid, asked, noNode);
    const given = { ...values, uuid: values.uuid ?? randomUUID() };
    const row = await this.conductor.volumes.createConnector(given, asked.by);
    return created(reply, 'volume/connectors', CONNECTOR_FIELDS, row, asked);
  }

  @Get('volume/connectors/:uuid')
  @Since(32)
  @Policy('baremetal:volume:get')
  @Describe({ summary: 'A volume connector', query: SHOW, answer: { part: CONNECTOR } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, CONNECTOR_FIELDS);
    return view.show(await this.#find(request), request.asked);
  }

  @Patch('volume/connectors/:uuid')
  @Since(32)
  @Policy('baremetal:volume:update')
  @Describe({
    summary: 'Change a volume connector',
    body: { patches: CONNECTOR },
    answer: { one: CONNECTOR },
  })
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    const found = await this.#find(request);
    const edit = readEdit(CONNECTOR_FIELDS, body, asked.version);
    refuseNoUuid(edit);
    await this.link.refuseMove(edit, found.node_uuid, asked);
    const row = await this.conductor.volumes.updateConnector(
      found.uuid,
      (connector) => edit.apply(connector).changes,
      asked.by,
    );
    return whole(CONNECTOR_FIELDS, row, asked);
  }

  @Delete('volume/connectors/:uuid')
  @HttpCode(204)
  @Since(32)
  @Policy('baremetal:volume:delete')
  @Describe({ summary: 'Delete a volume connector' })
  async delete(@Req() request: ApiRequest) {
    await this.conductor.volumes.deleteConnector((await this.#find(request)).uuid, request.asked.by);
  }

  async #list(request: ApiRequest, path: string, parent?: string) {
    const { listing, filter } = await this.lists.read(request, CONNECTOR_FIELDS, parent);
    return answerListing(
      'connectors',
      path,
      listing,
      await this.connectors.list(filter, listing.page, listing.columns),
    );
  }

  async #find({ params, asked }: ApiRequest): Promise<VolumeConnector> {
    const connector = await this.connectors.get(uuid('connector_uuid', params['uuid']!));
    const missing = `Volume connector ${connector.uuid} could not be found.`;
    await this.link.demandRoute(connector.node_uuid, missing, asked);
    return connector;
  }
}

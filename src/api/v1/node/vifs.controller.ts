import { Controller, Delete, Get, HttpCode, Post, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError } from '../../../domain/errors.js';
import type { JsonObject } from '../../../domain/json.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRING } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { uuidOrName } from '../../request/value.js';
import { describe } from '../../resource/schema.js';
import { objectBody } from '../../resource/write.js';
import { NodeFinder } from './node-finder.js';

/** VIFs attached to a node; the node's network interface decides what that means. */
@Controller('v1/nodes/:ident/vifs')
export class NodeVifsController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
  ) {}

  @Get()
  @Since(28)
  @Policy('baremetal:node:vif:list')
  @Describe({
    summary: 'VIFs of a node',
    answer: { schema: objectOf({ vifs: { type: 'array', items: objectOf({ id: STRING }) } }) },
  })
  async list(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    return { vifs: await this.conductor.vifs.list(node.uuid) };
  }

  @Post()
  @HttpCode(204)
  @Since(28)
  @Policy('baremetal:node:vif:attach')
  @Describe({
    summary: 'Attach a VIF',
    body: { schema: { type: 'object', properties: { id: STRING }, required: ['id'] } },
  })
  async attach(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const vif = objectBody('vif', body);
    if (vif['id'] === undefined) throw new InvalidError("Schema error for vif: 'id' is a required property");
    if (typeof vif['id'] !== 'string')
      throw new InvalidError(`Schema error for vif: ${describe(vif['id'])} is not of type 'string'`);
    uuidOrName('id', vif['id']);
    if (asked.version.does('vifToPort') && 'port_uuid' in vif && 'portgroup_uuid' in vif) {
      throw new InvalidError('Cannot specify both port_uuid and portgroup_uuid');
    }
    await this.conductor.vifs.attach(node.uuid, { ...(vif as JsonObject), id: vif['id'] }, asked.by);
  }

  @Delete(':vif')
  @HttpCode(204)
  @Since(28)
  @Policy('baremetal:node:vif:detach')
  @Describe({ summary: 'Detach a VIF' })
  async detach(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    await this.conductor.vifs.detach(node.uuid, uuidOrName('vif_id', params['vif']!), asked.by);
  }
}

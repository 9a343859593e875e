import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { Port } from '../../../persistence/port/port.entity.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { STRING } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest, Asked } from '../../request/asked.js';
import { uuid, uuidOrName } from '../../request/value.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { PORT, PORT_FIELDS } from './fields.js';
import { PortEditor } from './port-editor.js';
import { PortFinder } from './port-finder.js';
import { PORT_DETAIL_LIST, PORT_LIST, PortList } from './port-list.js';

@Controller('v1')
export class PortController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: PortFinder,
    private readonly lists: PortList,
    private readonly editor: PortEditor,
  ) {}

  @Get('ports')
  @Since(1)
  @Policy('baremetal:port:list_all')
  @Describe({ summary: 'Ports', query: PORT_LIST, answer: { page: PORT, key: 'ports' } })
  list(@Req() request: ApiRequest) {
    return this.lists.list(request, 'ports', {}, false);
  }

  @Get('ports/detail')
  @Since(1)
  @Policy('baremetal:port:list_all')
  @Describe({
    summary: 'Ports with all fields',
    query: PORT_DETAIL_LIST,
    answer: { page: PORT, key: 'ports' },
  })
  detail(@Req() request: ApiRequest) {
    return this.lists.list(request, 'ports/detail', {}, true);
  }

  @Get('nodes/:ident/ports')
  @Since(1)
  @Policy('baremetal:port:list_all')
  @Describe({ summary: 'Ports of a node', query: PORT_LIST, answer: { page: PORT, key: 'ports' } })
  ofNode(@Req() request: ApiRequest) {
    return this.#below(request, 'node', '');
  }

  @Get('nodes/:ident/ports/detail')
  @Since(1)
  @Policy('baremetal:port:list_all')
  @Describe({
    summary: 'Ports of a node with all fields',
    query: PORT_DETAIL_LIST,
    answer: { page: PORT, key: 'ports' },
  })
  ofNodeInDetail(@Req() request: ApiRequest) {
    return this.#below(request, 'node', '/detail');
  }

  @Get('portgroups/:ident/ports')
  @Since(24)
  @Policy('baremetal:port:list_all')
  @Describe({ summary: 'Ports of a port group', query: PORT_LIST, answer: { page: PORT, key: 'ports' } })
  ofPortgroup(@Req() request: ApiRequest) {
    return this.#below(request, 'portgroup', '');
  }

  @Get('portgroups/:ident/ports/detail')
  @Since(24)
  @Policy('baremetal:port:list_all')
  @Describe({
    summary: 'Ports of a port group with all fields',
    query: PORT_DETAIL_LIST,
    answer: { page: PORT, key: 'ports' },
  })
  ofPortgroupInDetail(@Req() request: ApiRequest) {
    return this.#below(request, 'portgroup', '/detail');
  }

  @Post('ports')
  @Since(1)
  @Policy('baremetal:port:create')
  @Describe({
    summary: 'Create a port',
    body: { creates: PORT, more: { node_ident: STRING } },
    answer: { one: PORT },
  })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const port = await this.editor.create(body, asked);
    return created(reply, 'ports', PORT_FIELDS, port, asked);
  }

  @Get('ports/:ident')
  @Since(1)
  @Policy('baremetal:port:get')
  @Describe({ summary: 'A port', query: SHOW, answer: { part: PORT } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, PORT_FIELDS);
    return view.show(await this.#find(request.params['ident']!, request.asked), request.asked);
  }

  @Patch('ports/:ident')
  @Since(1)
  @Policy('baremetal:port:update')
  @Describe({ summary: 'Change a port', body: { patches: PORT }, answer: { one: PORT } })
  async update(@Req() { asked, params, body }: ApiRequest) {
    const found = await this.#find(params['ident']!, asked);
    return whole(PORT_FIELDS, await this.editor.patch(found, body, asked), asked);
  }

  @Delete('ports/:uuid')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:port:delete')
  @Describe({ summary: 'Delete a port' })
  async delete(@Req() { asked, params }: ApiRequest) {
    const port = await this.finder.find(uuid('port_uuid', params['uuid']!), asked);
    await this.conductor.ports.delete(port.uuid, asked.by);
  }

  #below(request: ApiRequest, parent: 'node' | 'portgroup', detail: '' | '/detail') {
    const ident = request.params['ident']!;
    const path = `${parent}s/${encodeURIComponent(ident)}/ports${detail}`;
    return this.lists.list(request, path, { [parent]: ident }, detail !== '');
  }

  async #find(ident: string, asked: Asked): Promise<Port> {
    if (asked.version.does('portName')) uuidOrName('port_ident', ident);
    else uuid('port_uuid', ident);
    return this.finder.find(ident, asked);
  }
}

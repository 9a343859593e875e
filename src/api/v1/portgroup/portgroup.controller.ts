import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { Portgroup } from '../../../persistence/portgroup/portgroup.entity.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { PORTGROUP, PORTGROUP_FIELDS } from './fields.js';
import { PortgroupEditor } from './portgroup-editor.js';
import { PortgroupFinder } from './portgroup-finder.js';
import { PORTGROUP_DETAIL_LIST, PORTGROUP_LIST, PortgroupList } from './portgroup-list.js';

@Controller('v1')
export class PortgroupController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: PortgroupFinder,
    private readonly lists: PortgroupList,
    private readonly editor: PortgroupEditor,
  ) {}

  @Get('portgroups')
  @Since(23)
  @Policy('baremetal:portgroup:list_all')
  @Describe({ summary: 'Port groups', query: PORTGROUP_LIST, answer: { page: PORTGROUP, key: 'portgroups' } })
  list(@Req() request: ApiRequest) {
    return this.lists.list(request, 'portgroups', false);
  }

  @Get('portgroups/detail')
  @Since(23)
  @Policy('baremetal:portgroup:list_all')
  @Describe({
    summary: 'Port groups with all fields',
    query: PORTGROUP_DETAIL_LIST,
    answer: { page: PORTGROUP, key: 'portgroups' },
  })
  detail(@Req() request: ApiRequest) {
    return this.lists.list(request, 'portgroups/detail', true);
  }

  @Get('nodes/:ident/portgroups')
  @Since(24)
  @Policy('baremetal:portgroup:list_all')
  @Describe({
    summary: 'Port groups of a node',
    query: PORTGROUP_LIST,
    answer: { page: PORTGROUP, key: 'portgroups' },
  })
  ofNode(@Req() request: ApiRequest) {
    return this.#ofNode(request, '');
  }

  @Get('nodes/:ident/portgroups/detail')
  @Since(24)
  @Policy('baremetal:portgroup:list_all')
  @Describe({
    summary: 'Port groups of a node with all fields',
    query: PORTGROUP_DETAIL_LIST,
    answer: { page: PORTGROUP, key: 'portgroups' },
  })
  ofNodeInDetail(@Req() request: ApiRequest) {
    return this.#ofNode(request, '/detail');
  }

  @Post('portgroups')
  @Since(23)
  @Policy('baremetal:portgroup:create')
  @Describe({ summary: 'Create a port group', body: { creates: PORTGROUP }, answer: { one: PORTGROUP } })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const group = await this.editor.create(body, asked);
    return created(reply, 'portgroups', PORTGROUP_FIELDS, group, asked);
  }

  @Get('portgroups/:ident')
  @Since(23)
  @Policy('baremetal:portgroup:get')
  @Describe({ summary: 'A port group', query: SHOW, answer: { part: PORTGROUP } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, PORTGROUP_FIELDS);
    return view.show(await this.#find(request), request.asked);
  }

  @Patch('portgroups/:ident')
  @Since(23)
  @Policy('baremetal:portgroup:update')
  @Describe({ summary: 'Change a port group', body: { patches: PORTGROUP }, answer: { one: PORTGROUP } })
  async update(@Req() request: ApiRequest) {
    const { asked, body, params } = request;
    const found = await this.#find(request);
    const group = await this.editor.patch(params['ident']!, found, body, asked);
    return whole(PORTGROUP_FIELDS, group, asked);
  }

  @Delete('portgroups/:ident')
  @HttpCode(204)
  @Since(23)
  @Policy('baremetal:portgroup:delete')
  @Describe({ summary: 'Delete a port group without ports' })
  async delete(@Req() request: ApiRequest) {
    await this.conductor.ports.deleteGroup((await this.#find(request)).uuid, request.asked.by);
  }

  #ofNode(request: ApiRequest, detail: '' | '/detail') {
    const ident = request.params['ident']!;
    const path = `nodes/${encodeURIComponent(ident)}/portgroups${detail}`;
    return this.lists.list(request, path, detail !== '', ident);
  }

  #find({ params, asked }: ApiRequest): Promise<Portgroup> {
    return this.finder.find(params['ident']!, asked);
  }
}

import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/conductor.js';
import { FerricError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { NodeRepository } from '../../../node/node.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { type Arguments, type ParameterTable, readQuery } from '../../request/query.js';
import { boolean, uuidOrName } from '../../request/value.js';
import { nextPage, pageOf, repeatable, SELECTING, selectionOf } from '../../resource/collection.js';
import { checkSortKey, type Selection } from '../../resource/field.js';
import { ApiSettings } from '../../settings.js';
import { NODE_FIELDS } from './fields.js';
import { NODE_DETAIL_LIST, NODE_LIST, nodeFilterOf } from './filters.js';
import { NodeEditor } from './node-editor.js';
import { NodeFinder } from './node-finder.js';
import { NodeView } from './node-view.js';

const SHOW = { fields: SELECTING.fields } as const satisfies ParameterTable;
const PATCHING = { reset_interfaces: { since: 45, read: boolean } } as const satisfies ParameterTable;
const VALIDATING = {
  node: { read: uuidOrName },
  node_uuid: { read: uuidOrName },
} as const satisfies ParameterTable;

@Controller('v1/nodes')
export class NodeController {
  constructor(
    private readonly conductor: Conductor,
    private readonly nodes: NodeRepository,
    private readonly finder: NodeFinder,
    private readonly view: NodeView,
    private readonly editor: NodeEditor,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Since(1)
  @Policy('baremetal:node:list_all')
  list(@Req() request: ApiRequest) {
    const given = readQuery(request.query, NODE_LIST, request.asked.version);
    return this.#list(request, given, selectionOf(given, request.asked.version), 'nodes');
  }

  @Get('detail')
  @Since(1)
  @Policy('baremetal:node:list_all')
  detail(@Req() request: ApiRequest) {
    const given = readQuery(request.query, NODE_DETAIL_LIST, request.asked.version);
    return this.#list(request, given, 'whole', 'nodes/detail');
  }

  @Post()
  @Since(1)
  @Policy('baremetal:node:create')
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const node = await this.editor.create(body, asked);
    reply.header('location', `${asked.base}/v1/nodes/${node.uuid}`);
    return this.view.one(node, asked);
  }

  @Get('validate')
  @Since(1)
  @Policy('baremetal:node:validate')
  async validateNamed(@Req() { asked, query }: ApiRequest) {
    const { node, node_uuid } = readQuery(query, VALIDATING, asked.version);
    return this.#validate(node_uuid ?? node ?? '', asked);
  }

  @Get(':ident')
  @Since(1)
  @Policy('baremetal:node:get')
  async show(@Req() { asked, params, query }: ApiRequest) {
    const { fields } = readQuery(query, SHOW, asked.version);
    const selection = fields ?? 'whole';
    this.view.viewOf(asked, selection);
    return this.view.one(await this.finder.find(params['ident']!, asked), asked, selection);
  }

  @Patch(':ident')
  @Since(1)
  @Policy('baremetal:node:update')
  async update(@Req() { asked, params, query, body }: ApiRequest) {
    const { reset_interfaces = false } = readQuery(query, PATCHING, asked.version);
    const found = await this.finder.find(params['ident']!, asked);
    return this.view.one(await this.editor.patch(found, body, reset_interfaces, asked), asked);
  }

  @Delete(':ident')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:node:delete')
  async delete(@Req() { asked, params, query }: ApiRequest) {
    readQuery(query, {}, asked.version);
    const node = await this.finder.find(params['ident']!, asked);
    await this.conductor.deleteNode(node.uuid, asked.by);
  }

  @Get(':ident/validate')
  @Since(1)
  @Policy('baremetal:node:validate')
  async validate(@Req() { asked, params }: ApiRequest) {
    return this.#validate(params['ident']!, asked);
  }

  async #validate(ident: string, asked: ApiRequest['asked']) {
    if (!asked.version.does('nodeName') && canonicalUuid(ident) === null) {
      throw new FerricError('not-acceptable', 'Request not acceptable.');
    }
    return this.conductor.validate((await this.finder.find(ident, asked)).uuid);
  }

  async #list(request: ApiRequest, given: Arguments<typeof NODE_LIST>, selection: Selection, path: string) {
    const { asked } = request;
    const page = pageOf(given, this.settings.maxLimit);
    checkSortKey(NODE_FIELDS, asked.version, page.sort_key);
    const view = this.view.viewOf(asked, selection);
    const filter = nodeFilterOf(given);
    if (filter === null) return { nodes: [] };
    const columns = [...new Set([...view.columns, 'uuid', 'target_provision_state'])];
    const rows = await this.nodes.list(filter, page, columns);
    const nodes = await this.view.show(rows, asked, selection, view);
    const last = rows.at(-1);
    if (!last || rows.length < page.limit || given.instance_uuid !== undefined) return { nodes };
    return { nodes, next: nextPage(asked.base, path, page, repeatable(request.query), last.uuid) };
  }
}

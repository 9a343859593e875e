import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { FLAG, type JsonSchema, objectOf, TEXT } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { boolean, shorten, uuidOrName } from '../../request/value.js';
import { SELECTING } from '../../resource/collection.js';
import type { TextRow } from '../../resource/text-view.js';
import { NODE, NODE_FIELDS } from './fields.js';
import { NODE_DETAIL_LIST, NODE_LIST } from './filters.js';
import { NodeEditor } from './node-editor.js';
import { NodeFinder } from './node-finder.js';
import { NodeList } from './node-list.js';
import { NodeView } from './node-view.js';

const SHOW = { fields: SELECTING.fields } as const satisfies ParameterTable;
const PATCHING = {
  reset_interfaces: { since: 45, hidesVersion: true, read: boolean },
} as const satisfies ParameterTable;
const VALIDATING = {
  node: { read: uuidOrName },
  node_uuid: { read: uuidOrName },
} as const satisfies ParameterTable;

/** The result of each interface's validation; null for an interface without a check. */
const VALIDATION: JsonSchema = {
  type: 'object',
  additionalProperties: objectOf({ result: FLAG, reason: TEXT }, ['result']),
};

/** Fields that `fields` may name for one node. */
const SELECTABLE = new Set(
  NODE_FIELDS.filter((field) => !field.wholeOnly && !field.always).map(({ name }) => name),
);

@Controller('v1/nodes')
export class NodeController {
  constructor(
    private readonly conductor: Conductor,
    private readonly lists: NodeList,
    private readonly finder: NodeFinder,
    private readonly view: NodeView,
    private readonly editor: NodeEditor,
    private readonly nodes: NodeRepository,
  ) {}

  @Get()
  @Since(1)
  @Policy('baremetal:node:list_all')
  @Describe({ summary: 'Nodes', query: NODE_LIST, answer: { page: NODE, key: 'nodes' } })
  list(@Req() request: ApiRequest) {
    return this.lists.list(request, 'nodes');
  }

  @Get('detail')
  @Since(1)
  @Policy('baremetal:node:list_all')
  @Describe({
    summary: 'Nodes with all fields',
    query: NODE_DETAIL_LIST,
    answer: { page: NODE, key: 'nodes' },
  })
  detail(@Req() request: ApiRequest) {
    return this.lists.list(request, 'nodes/detail', {}, true);
  }

  @Post()
  @Since(1)
  @Policy('baremetal:node:create')
  @Describe({ summary: 'Enrol a node', body: { creates: NODE }, answer: { one: NODE } })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const node = await this.editor.create(body, asked);
    reply.header('location', `${asked.base}/v1/nodes/${node.uuid}`);
    return this.view.one(node, asked);
  }

  @Get('validate')
  @Since(1)
  @Policy('baremetal:node:validate')
  @Describe({
    summary: 'Validate a node that the query names',
    query: VALIDATING,
    answer: { schema: VALIDATION },
  })
  async validateNamed(@Req() { asked, query }: ApiRequest) {
    const { node, node_uuid } = readQuery(query, VALIDATING, asked.version);
    const ident = node_uuid ?? node;
    if (ident === undefined) {
      throw new InvalidError('Expected a logical name or UUID but received None.');
    }
    return this.#validate(ident, asked);
  }

  @Get(':ident')
  @Since(1)
  @Policy('baremetal:node:get')
  @Describe({ summary: 'A node', query: SHOW, answer: { part: NODE } })
  async show(@Req() { asked, params, query }: ApiRequest) {
    const { fields } = readQuery(query, SHOW, asked.version);
    const unknown = fields?.find((name) => !SELECTABLE.has(name));
    if (unknown !== undefined) throw new InvalidError(`Field ${shorten(unknown)} is not a valid field.`);
    const selection = fields ?? 'whole';
    return this.view.text(asked, selection, (view) =>
      this.finder.findBy(params['ident']!, asked, (ident) => this.nodes.text<TextRow<Node>>(ident, view)),
    );
  }

  @Patch(':ident')
  @Since(1)
  @Policy('baremetal:node:update')
  @Describe({ summary: 'Change a node', query: PATCHING, body: { patches: NODE }, answer: { one: NODE } })
  async update(@Req() { asked, params, query, body }: ApiRequest) {
    const { reset_interfaces = false } = readQuery(query, PATCHING, asked.version);
    const ident = params['ident']!;
    const found = await this.finder.see(ident, asked);
    return this.view.one(await this.editor.patch(ident, found, body, reset_interfaces, asked), asked);
  }

  @Delete(':ident')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:node:delete')
  @Describe({ summary: 'Delete a node' })
  async delete(@Req() { asked, params, query }: ApiRequest) {
    readQuery(query, {}, asked.version);
    const node = await this.finder.see(params['ident']!, asked);
    const isOwn = asked.scope.mayManageOwn('baremetal:node:delete:self_owned_node', node);
    asked.scope.demand('baremetal:node:delete', node, isOwn);
    await this.conductor.nodes.delete(node.uuid, asked.by);
  }

  @Get(':ident/validate')
  @Since(1)
  @Policy('baremetal:node:validate')
  @Describe({ summary: 'Whether each interface has what it needs', answer: { schema: VALIDATION } })
  async validate(@Req() { asked, params, query }: ApiRequest) {
    readQuery(query, {}, asked.version);
    return this.#validate(params['ident']!, asked);
  }

  async #validate(ident: string, asked: ApiRequest['asked']) {
    if (!asked.version.does('nodeName') && canonicalUuid(ident) === null) {
      throw new FerricError('not-acceptable', 'Request not acceptable.');
    }
    return this.conductor.nodes.validate((await this.finder.find(ident, asked)).uuid);
  }
}

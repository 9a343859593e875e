import { Controller, Get, Req } from '@nestjs/common';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import { Policy } from '../../auth/policy.js';
import type { Scope } from '../../auth/scope.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRING, STRINGS } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { NodeFinder } from './node-finder.js';

/** Child nodes of a node (`parent_node`). */
@Controller('v1/nodes/:ident/children')
export class NodeChildrenController {
  constructor(
    private readonly nodes: NodeRepository,
    private readonly finder: NodeFinder,
  ) {}

  @Get()
  @Since(83)
  @Policy('baremetal:node:get')
  @Describe({
    summary: 'Children of a node',
    answer: { schema: objectOf({ children: STRINGS, links: objectOf({ href: STRING, rel: STRING }) }) },
  })
  async list(@Req() { asked, params }: ApiRequest) {
    const { uuid } = await this.finder.find(params['ident']!, asked);
    const project = projectOf(asked.scope);
    const filter = { parent_node: uuid, ...(project === null ? {} : { project }) };
    const children: string[] = [];
    for await (const page of this.nodes.pages(filter, ['uuid']))
      for (const row of page) children.push(row.uuid);
    return {
      children,
      links: { href: `${asked.base}/v1/nodes?parent_node=${uuid}`, rel: 'children' },
    };
  }
}

/** The project whose nodes alone are listed; null: all. @throws ForbiddenError */
function projectOf(scope: Scope): string | null {
  if (scope.allows('baremetal:node:list_all')) return null;
  scope.demand('baremetal:node:list');
  return scope.project;
}

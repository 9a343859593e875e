import { Controller, Get, Param, Req } from '@nestjs/common';
import { holderOf } from '../../../domain/node/holder.js';
import { type Action, actionsOf } from '../../../domain/provision/actions.js';
import { VERBS } from '../../../domain/provision/table.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRING, STRINGS, TEXT } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { readQuery } from '../../request/query.js';
import { NodeFinder } from './node-finder.js';

const ACTION = objectOf({
  verb: { enum: Object.keys(VERBS) },
  allowed: { type: 'boolean' },
  reason: TEXT,
  leads_to: TEXT,
  first: STRINGS,
});

/** The verbs of a node: which are allowed now, and why not the others. A Ferric extension. */
@Controller('v1/nodes/:ident/actions')
export class NodeActionsController {
  constructor(private readonly finder: NodeFinder) {}

  @Get()
  @Since(1)
  @Policy('ferric:node:actions')
  @Describe({
    summary: 'Verbs of a node: which are allowed now, and why not the others',
    query: {},
    answer: {
      schema: objectOf({ provision_state: STRING, actions: { type: 'array', items: ACTION } }),
    },
  })
  async list(@Req() { asked, query }: ApiRequest, @Param('ident') ident: string) {
    readQuery(query, {}, asked.version);
    const node = await this.finder.find(ident, asked);
    const actions = actionsOf({ ...node, reserved_by: holderOf(node) }, (since) => asked.version.has(since));
    const may = asked.scope.allows('baremetal:node:set_provision_state', node);
    return { provision_state: node.provision_state, actions: may ? actions : actions.map(forbidden) };
  }
}

function forbidden({ verb }: Action): Action {
  const reason = 'The policy baremetal:node:set_provision_state does not allow it for this login.';
  return { verb, allowed: false, reason, leads_to: null, first: [] };
}

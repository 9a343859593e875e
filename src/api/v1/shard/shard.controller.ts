import { Controller, Get, Req } from '@nestjs/common';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRING } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { readQuery } from '../../request/query.js';

const SHARD = objectOf({ name: STRING, count: { type: 'integer' } });

/** Shards, and the number of nodes in each. */
@Controller('v1/shards')
export class ShardController {
  constructor(private readonly nodes: NodeRepository) {}

  @Get()
  @Since(82)
  @Policy('baremetal:shards:get')
  @Describe({
    summary: 'Shards and how many nodes each has',
    query: {},
    answer: { schema: objectOf({ shards: { type: 'array', items: SHARD } }) },
  })
  async list(@Req() { asked, query }: ApiRequest) {
    readQuery(query, {}, asked.version);
    // For nodes without a shard Ironic's answer has the text None, not null: clients compare with it.
    const shards = await this.nodes.shards();
    return { shards: shards.map(({ name, count }) => ({ name: name ?? 'None', count })) };
  }
}

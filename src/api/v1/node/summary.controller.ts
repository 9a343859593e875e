import { Controller, Get, Req } from '@nestjs/common';
import { InvalidError } from '../../../domain/errors.js';
import {
  COUNTED_BY,
  type CountedBy,
  NodeCountsRepository,
} from '../../../persistence/node/node-counts.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { FLAG, objectOf, TEXT } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { shorten, stringList } from '../../request/value.js';
import { NODE_FILTERS, nodeFilterOf } from './filters.js';

const SUMMARY = {
  ...NODE_FILTERS,
  by: {
    read: countedBy,
    about: `Columns to count by, comma-separated, of: ${COUNTED_BY.join(', ')}; default: provision_state`,
  },
} as const satisfies ParameterTable;

const NUMBER = { type: 'integer' } as const;
const FLAGS: readonly string[] = ['maintenance', 'retired', 'protected'] satisfies CountedBy[];
const GROUP = objectOf(
  {
    ...Object.fromEntries(COUNTED_BY.map((name) => [name, FLAGS.includes(name) ? FLAG : TEXT])),
    count: NUMBER,
  },
  ['count'],
);

/** Numbers of nodes by state and the like: a fleet at a glance, without its nodes. A Ferric extension. */
@Controller('v1/summary')
export class SummaryController {
  constructor(private readonly counts: NodeCountsRepository) {}

  @Get()
  @Since(1)
  @Policy('baremetal:node:list_all')
  @Describe({
    summary: 'Numbers of nodes, by state and the like',
    query: SUMMARY,
    answer: { schema: objectOf({ total: NUMBER, groups: { type: 'array', items: GROUP } }) },
  })
  async show(@Req() { asked, query }: ApiRequest) {
    const { by = ['provision_state'], ...given } = readQuery(query, SUMMARY, asked.version);
    const project = asked.scope.confine(given.project);
    const filter = nodeFilterOf(given);
    if (filter === null) return { total: 0, groups: [] };
    if (project !== undefined) filter.project = project;
    const groups = await this.counts.counts(filter, by);
    return { total: groups.reduce((sum, { count }) => sum + count, 0), groups };
  }
}

function countedBy(name: string, value: string): CountedBy[] {
  const given = stringList(name, value);
  const unknown = given.find((column) => !(COUNTED_BY as readonly string[]).includes(column));
  if (unknown !== undefined || given.length === 0)
    throw new InvalidError(`${name} is not "${shorten(unknown ?? '')}" but of: ${COUNTED_BY.join(', ')}`);
  return [...new Set(given as CountedBy[])];
}

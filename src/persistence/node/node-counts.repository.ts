import type { DataSource } from 'typeorm';
import { Parameters, quote } from '../../database/statement.js';
import { type NodeFilter, nodeConditions } from './node-filter.js';

/** Columns that nodes can be counted by: those with few different values, as a rule. */
export const COUNTED_BY = [
  'provision_state',
  'power_state',
  'maintenance',
  'fault',
  'health',
  'driver',
  'resource_class',
  'conductor_group',
  'shard',
  'owner',
  'lessee',
  'retired',
  'protected',
] as const;
export type CountedBy = (typeof COUNTED_BY)[number];

/** Nodes that have the same values in the columns counted by. */
export type NodeCount = Partial<Record<CountedBy, string | boolean | null>> & { count: number };

/** Numbers of nodes, without the nodes. */
export class NodeCountsRepository {
  constructor(private readonly source: Pick<DataSource, 'query'>) {}

  /** One statement. The largest group first. @param by at least one column */
  async counts(filter: NodeFilter, by: readonly CountedBy[]): Promise<NodeCount[]> {
    const parameters = new Parameters();
    const where = nodeConditions(filter, parameters);
    const columns = by.map(quote).join(', ');
    const condition = where.length > 0 ? `where ${where.join(' and ')}` : '';
    return this.source.query<NodeCount[]>(
      `select ${columns}, count(*)::int as count from node ${condition} group by ${columns} order by count desc, ${columns}`,
      parameters.values,
    );
  }
}

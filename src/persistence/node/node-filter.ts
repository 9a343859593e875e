import { type Parameters, quote } from '../../database/statement.js';

/** Conditions of a node listing; all that are given must hold. */
export interface NodeFilter {
  uuids?: readonly string[];
  chassis_uuid?: string;
  instance_uuid?: string;
  associated?: boolean;
  maintenance?: boolean;
  provision_state?: string;
  driver?: string;
  resource_class?: string;
  conductor_group?: string;
  conductor?: string;
  owner?: string;
  lessee?: string;
  /** Owner or lessee. */
  project?: string;
  fault?: string;
  retired?: boolean;
  description_contains?: string;
  shards?: readonly string[];
  sharded?: boolean;
  /** Children of this node; null: only nodes without a parent. */
  parent_node?: string | null;
  instance_name?: string;
}

const EQUAL = [
  'chassis_uuid',
  'instance_uuid',
  'maintenance',
  'provision_state',
  'driver',
  'resource_class',
  'conductor_group',
  'owner',
  'lessee',
  'fault',
  'retired',
  'instance_name',
] as const;

/** @returns SQL conditions, empty for an empty filter */
export function nodeConditions(filter: NodeFilter, parameters: Parameters): string[] {
  const where: string[] = [];
  for (const column of EQUAL) {
    if (filter[column] !== undefined) where.push(`${quote(column)} = ${parameters.add(filter[column])}`);
  }
  if (filter.uuids) where.push(`uuid = any(${parameters.add(filter.uuids)})`);
  if (filter.associated !== undefined) where.push(`instance_uuid is ${filter.associated ? 'not ' : ''}null`);
  if (filter.conductor !== undefined) where.push(`conductor_affinity = ${parameters.add(filter.conductor)}`);
  if (filter.project !== undefined) {
    const project = parameters.add(filter.project);
    where.push(`(owner = ${project} or lessee = ${project})`);
  }
  if (filter.description_contains !== undefined) {
    where.push(`position(lower(${parameters.add(filter.description_contains)}) in lower(description)) > 0`);
  }
  if (filter.shards) where.push(`shard = any(${parameters.add(filter.shards)})`);
  if (filter.sharded !== undefined) where.push(`shard is ${filter.sharded ? 'not ' : ''}null`);
  if (filter.parent_node === null) where.push('parent_node is null');
  else if (filter.parent_node !== undefined)
    where.push(`parent_node = ${parameters.add(filter.parent_node)}`);
  return where;
}

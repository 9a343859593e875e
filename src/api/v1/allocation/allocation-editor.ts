import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { ForbiddenError, InvalidError } from '../../../domain/errors.js';
import type { Json } from '../../../domain/json.js';
import { canonicalUuid, isLogicalName } from '../../../domain/node/name.js';
import type { Allocation } from '../../../persistence/allocation/allocation.entity.js';
import {
  AllocationRepository,
  type NewAllocation,
} from '../../../persistence/allocation/allocation.repository.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { objectBody, readCreation, readEdit } from '../../resource/write.js';
import { ALLOCATION_FIELDS } from './fields.js';

/** Creates and edits allocations as bodies and patches request. */
@Injectable()
export class AllocationEditor {
  constructor(
    private readonly conductor: Conductor,
    private readonly allocations: AllocationRepository,
    private readonly nodes: NodeRepository,
  ) {}

  async create(body: unknown, asked: Asked): Promise<Allocation> {
    const { node: named, ...given } = objectBody('allocation', body);
    const values = readCreation('allocation', ALLOCATION_FIELDS, given, asked.version);
    refuseName(values.name ?? null, 'create');
    const owner = ownerOf(values.owner ?? null, asked);
    const node = await this.#backfilled(named ?? null, asked);
    const resource_class = values.resource_class || (node?.resource_class ?? null);
    if (!resource_class && !node) {
      throw new InvalidError('The resource_class field is mandatory when not backfilling');
    }
    const candidate_nodes = await this.#candidates(values.candidate_nodes ?? [], asked);
    const uuid = values.uuid ?? node?.instance_uuid ?? randomUUID();
    const allocation: NewAllocation = { ...values, owner, uuid, resource_class, candidate_nodes };
    return this.conductor.allocations.create(allocation, node?.uuid ?? null, asked.by);
  }

  async patch(found: Allocation, body: unknown, asked: Asked): Promise<Allocation> {
    const edit = readEdit(ALLOCATION_FIELDS, body, asked.version);
    for (const name of edit.valuesOf('name')) refuseName(name, 'update');
    return this.allocations.edit(found.uuid, (allocation) => edit.apply(allocation).changes);
  }

  async #backfilled(named: unknown, { version, scope }: Asked): Promise<Node | null> {
    if (named === null || named === '') return null;
    if (typeof named !== 'string') {
      throw new InvalidError("Schema error for allocation: node is not of type 'string', 'null'");
    }
    if (!version.does('allocationBackfill')) {
      throw new InvalidError('Cannot set node when creating an allocation in this API version');
    }
    const ident = canonicalUuid(named) ?? named;
    if (!isLogicalName(ident)) {
      throw new InvalidError(`Expected a logical name or UUID but received ${shorten(named)}.`);
    }
    const node = await this.nodes.find(ident);
    // 404 would refer to the allocation.
    if (!node || !scope.allows('baremetal:node:get', node))
      throw new InvalidError(`Node ${shorten(named)} could not be found.`);
    return node;
  }

  /** @returns the uuids, in the order of `idents` */
  async #candidates(idents: readonly string[], { scope }: Asked): Promise<string[]> {
    if (idents.length === 0) return [];
    const named = idents.map((ident) => canonicalUuid(ident) ?? ident);
    const anyNode = scope.allows('baremetal:allocation:create_restricted');
    const known = await this.nodes.uuidsOf(named.filter(isLogicalName), anyNode ? null : scope.project);
    const missing = named.filter((ident) => !known.has(ident));
    if (missing.length > 0) {
      throw new InvalidError(
        `Nodes cannot be found: ${[...new Set(missing)].slice(0, 10).map(shorten).join(', ')}`,
      );
    }
    return named.map((ident) => known.get(ident)!);
  }
}

/** The new allocation's owner: a project allocates for itself only. @throws ForbiddenError when it names another */
function ownerOf(owner: string | null, { scope }: Asked): string | null {
  if (scope.isSystem) return owner;
  if (owner === null || owner === '') return scope.project;
  if (owner !== scope.project && !scope.allows('baremetal:allocation:create_restricted')) {
    throw new ForbiddenError(
      `Cannot create allocation with an owner Project ID value ${shorten(owner)} not matching the requester ` +
        `Project ID ${scope.project ?? 'None'}. Policy baremetal:allocation:create_restricted is required for this ` +
        'capability.',
    );
  }
  return owner;
}

function refuseName(name: Json, what: 'create' | 'update'): void {
  if (typeof name !== 'string' || name === '') return;
  if (!isLogicalName(name)) {
    throw new InvalidError(`Cannot ${what} allocation with invalid name '${shorten(name)}'`);
  }
}

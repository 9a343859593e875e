import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { ForbiddenError, InvalidError } from '../../../domain/errors.js';
import type { Json, JsonObject } from '../../../domain/json.js';
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
    refuseName(values['name'] ?? null, 'create');
    settleOwner(values, asked);
    const node = await this.#backfilled(named ?? null, asked);
    const resource_class = values['resource_class'] || (node?.resource_class ?? null);
    if (!resource_class && !node) {
      throw new InvalidError('The resource_class field is mandatory when not backfilling');
    }
    const candidate_nodes = await this.#candidates(
      (values['candidate_nodes'] as string[] | undefined) ?? [],
      asked,
    );
    const uuid = (values['uuid'] as string | null) ?? node?.instance_uuid ?? randomUUID();
    const allocation = { ...values, uuid, resource_class, candidate_nodes } as NewAllocation;
    return this.conductor.allocations.create(allocation, node?.uuid ?? null, asked.by);
  }

  async patch(found: Allocation, body: unknown, asked: Asked): Promise<Allocation> {
    const edit = readEdit(ALLOCATION_FIELDS, body, asked.version);
    for (const name of edit.valuesOf('name')) refuseName(name, 'update');
    return this.allocations.edit(
      found.uuid,
      (allocation) => edit.apply(allocation).changes as Pick<Allocation, 'name' | 'extra'>,
    );
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

/** A project allocates for itself only. @throws ForbiddenError when it names another owner */
function settleOwner(values: JsonObject, { scope }: Asked): void {
  if (scope.isSystem) return;
  const owner = values['owner'] ?? null;
  if (owner === null || owner === '') {
    values['owner'] = scope.project;
  } else if (owner !== scope.project && !scope.allows('baremetal:allocation:create_restricted')) {
    throw new ForbiddenError(
      `Cannot create allocation with an owner Project ID value ${shorten(String(owner))} not matching the requester ` +
        `Project ID ${scope.project ?? 'None'}. Policy baremetal:allocation:create_restricted is required for this ` +
        'capability.',
    );
  }
}

function refuseName(name: Json, what: 'create' | 'update'): void {
  if (typeof name !== 'string' || name === '') return;
  if (!isLogicalName(name)) {
    throw new InvalidError(`Cannot ${what} allocation with invalid name '${shorten(name)}'`);
  }
}

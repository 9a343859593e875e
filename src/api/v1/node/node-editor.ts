import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { ClearNode } from '../../../conductor/service/request.js';
import { ConflictError, FerricError, InvalidError } from '../../../domain/errors.js';
import type { Json } from '../../../domain/json.js';
import {
  type EditedNode,
  refuseDuringTransition,
  refuseProperties,
  settleEdit,
} from '../../../domain/node/edit.js';
import { isHostName, isLogicalName, isUuidLike, RESERVED_NODE_NAMES } from '../../../domain/node/name.js';
import { AllocationRepository } from '../../../persistence/allocation/allocation.repository.js';
import { ChassisRepository } from '../../../persistence/chassis/chassis.repository.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { type NewNode, type NodeChanges, NodeRepository } from '../../../persistence/node/node.repository.js';
import { rulesOfNodePatch } from '../../auth/node-patch.js';
import type { Scope } from '../../auth/scope.js';
import type { Microversion } from '../../microversion/microversion.js';
import type { Asked } from '../../request/asked.js';
import { shorten, uuid } from '../../request/value.js';
import { readCreation, readEdit } from '../../resource/write.js';
import { NODE_FIELDS } from './fields.js';
import { ImageSight, namedImages } from './image-sight.js';

/** Creates and edits nodes as bodies and patches request. */
@Injectable()
export class NodeEditor {
  constructor(
    private readonly conductor: Conductor,
    private readonly nodes: NodeRepository,
    private readonly chassis: ChassisRepository,
    private readonly allocations: AllocationRepository,
    private readonly images: ImageSight,
  ) {}

  async create(body: unknown, asked: Asked): Promise<Node> {
    const { version } = asked;
    const values = readCreation('node', NODE_FIELDS, body, version);
    const { name } = values;
    if (typeof name === 'string') refuseName(name, version, 'Cannot create node with invalid name ');
    await this.#refuseChassis(values.chassis_uuid);
    const owner = ownerOfNew(asked.scope, values.owner ?? null);
    if (values.parent_node) values.parent_node = await this.#parent(values.parent_node, owner, asked);
    const ident = values.uuid ?? randomUUID();
    refuseProperties(ident, values.properties);
    await this.images.demand(namedImages(values), asked);
    const created: NewNode = {
      ...values,
      owner,
      uuid: ident,
      conductor_group: (values.conductor_group ?? '').toLowerCase(),
      provision_state: version.does('enrollFirst') ? 'enroll' : 'available',
      ...nameOfInstance(values),
    };
    return this.conductor.nodes.create(created, asked.by);
  }

  /**
   * @param ident the client's name of the node
   * @param node as found, to refuse what its state forbids before waiting for its lock
   */
  async patch(
    ident: string,
    node: Node,
    body: unknown,
    resetInterfaces: boolean,
    asked: Asked,
  ): Promise<Node> {
    const { version } = asked;
    const edit = readEdit(NODE_FIELDS, body, version);
    for (const rule of rulesOfNodePatch(edit.patch)) asked.scope.demand(rule, node);
    if (resetInterfaces && !edit.roots.has('driver')) {
      throw new InvalidError(
        "The reset_interfaces parameter can only be used when changing the node's driver.",
      );
    }
    for (const { op, path, value } of edit.patch) {
      if (path !== '/name' || op === 'remove') continue;
      const message = `Node ${shorten(ident)}: Cannot change name to invalid name `;
      // Only `remove` may delete a name.
      if (value === null) throw new InvalidError(`${message}'None'`);
      if (typeof value === 'string') refuseName(value, version, message);
    }
    const refuse = (now: EditedNode & Pick<Node, 'owner' | 'lessee'>) => {
      refuseDuringTransition(now, edit.patch, version.does('inspectWaitState'));
      if (edit.roots.has('owner')) refuseOwner(now, asked.scope);
    };
    refuse(node);
    const parents = new Map<string, string>();
    for (const parent of edit.valuesOf('parent_node')) {
      if (typeof parent === 'string') parents.set(parent, await this.#parent(parent, node.owner, asked));
    }
    if (edit.valuesOf('owner').some((owner) => owner !== null)) await this.#refuseOwner(node);
    await this.images.demand(newlyNamed(node, edit.patch), asked);
    for (const chassis of edit.valuesOf('chassis_uuid')) {
      if (typeof chassis === 'string') uuid('chassis_uuid', chassis);
      await this.#refuseChassis(chassis);
    }
    const decide = (clear: ClearNode): NodeChanges => {
      refuse(clear);
      const { changes } = edit.apply(clear);
      const parent = changes.parent_node;
      if (typeof parent === 'string') changes.parent_node = parents.get(parent) ?? parent;
      if (changes.chassis_uuid === null && !version.does('chassisRemoval')) {
        throw new FerricError('not-acceptable', 'Request not acceptable.');
      }
      return settleEdit(clear, changes);
    };
    return this.conductor.nodes.update(node.uuid, decide, asked.by, resetInterfaces);
  }

  /** The owner of the node's allocation keeps the node. */
  async #refuseOwner({ uuid, allocation_uuid }: Node): Promise<void> {
    const allocation = allocation_uuid ? await this.allocations.find(allocation_uuid) : null;
    if ((allocation?.owner ?? null) !== null) {
      throw new ConflictError(
        `Cannot update owner of node "${uuid}" while it is allocated to an allocation with an  owner.`,
      );
    }
  }

  /** 404 would refer to the node. */
  async #refuseChassis(uuid: Json | undefined): Promise<void> {
    // A value that is no uuid is refused when the patch is applied.
    if (typeof uuid === 'string' && isUuidLike(uuid) && !(await this.chassis.find(uuid))) {
      throw new InvalidError(`Chassis ${shorten(uuid)} could not be found.`);
    }
  }

  /** @returns uuid of the node in `parent_node`, of the same owner; the error does not tell whether it exists */
  async #parent(ident: string, owner: string | null, { scope }: Asked): Promise<string> {
    const parent = await this.nodes.find(ident);
    if (parent && parent.owner === owner && scope.allows('baremetal:node:get', parent)) return parent.uuid;
    throw new InvalidError(
      `Unable to apply the requested parent_node '${shorten(ident)}'. Requested value was invalid.`,
    );
  }
}

/** Images that a patch names and the node does not name yet. */
function newlyNamed(node: Node, patch: readonly { path: string; value?: unknown }[]): Map<string, string> {
  const before = namedImages(node);
  const named = new Map<string, string>();
  for (const { path, value } of patch) {
    const [, column = '', ...below] = path.split('/');
    const whole = below.length === 0 ? value : { [below.join('/')]: value };
    for (const [field, id] of namedImages({ [column]: whole }))
      if (before.get(field) !== id) named.set(field, id);
  }
  return named;
}

/** A project owns the nodes that it creates. */
function ownerOfNew(scope: Scope, requested: string | null): string | null {
  const own = scope.mayManageOwn('baremetal:node:create:self_owned_node');
  scope.demand('baremetal:node:create', null, own);
  if (!own || scope.isSystem) return requested;
  if (requested !== null && requested !== scope.project) {
    throw new InvalidError(
      'Cannot create a node as a project scoped admin with an owner other than your own project.',
    );
  }
  return scope.project;
}

/** A change of owner or lessee of a deployed node has its own rule. */
function refuseOwner(node: EditedNode & Pick<Node, 'owner' | 'lessee'>, scope: Scope): void {
  if (node.provision_state !== 'active') return;
  if (scope.allows('baremetal:node:update_owner_provisioned', node)) return;
  throw new ConflictError(`Cannot update owner of node "${node.uuid}" while it is in state "active".`);
}

function refuseName(name: string, version: Microversion, message: string): void {
  if (!version.does('nodeName')) throw new FerricError('not-acceptable', 'Request not acceptable.');
  const fits = version.does('unrestrictedName') ? isLogicalName(name) : isHostName(name);
  if (!fits || isUuidLike(name)) throw new InvalidError(`${message}'${shorten(name)}'`);
  if (RESERVED_NODE_NAMES.includes(name)) {
    throw new InvalidError(
      `The word "${name}" is reserved and can not be used as a node name. ` +
        `Reserved words are: ${RESERVED_NODE_NAMES.join(', ')}.`,
    );
  }
}

function nameOfInstance({
  instance_info,
  instance_name,
}: Pick<NodeChanges, 'instance_info' | 'instance_name'>): Pick<NodeChanges, 'instance_name'> {
  const shown = instance_info?.['display_name'];
  return typeof shown === 'string' && shown !== '' && !instance_name
    ? { instance_name: shown.slice(0, 255) }
    : {};
}

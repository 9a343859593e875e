import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type ClearNode, Conductor } from '../../../conductor/conductor.js';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import { refuseDuringTransition, settleEdit } from '../../../domain/node/edit.js';
import { applyPatch, type PatchOperation, pathParts, sameJson } from '../../../domain/node/json-patch.js';
import { isHostName, isLogicalName, isUuidLike, RESERVED_NODE_NAMES } from '../../../domain/node/name.js';
import type { Json, JsonObject } from '../../../domain/step/step.js';
import type { Node } from '../../../node/node.entity.js';
import { type NewNode, type NodeChanges, NodeRepository } from '../../../node/node.repository.js';
import type { Microversion } from '../../microversion/microversion.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { readCreation, readPatch, readPatched } from '../../resource/write.js';
import { NODE_FIELDS } from './fields.js';

/** Roots that a patch may touch and that are no columns of the node. */
const COLUMNLESS = ['chassis_uuid'];

/** Creates and edits nodes as bodies and patches ask. */
@Injectable()
export class NodeEditor {
  constructor(
    private readonly conductor: Conductor,
    private readonly nodes: NodeRepository,
  ) {}

  async create(body: unknown, asked: Asked): Promise<Node> {
    const { version } = asked;
    const values = readCreation('node', NODE_FIELDS, body, version);
    const { name } = values;
    if (typeof name === 'string') refuseName(name, version, 'Cannot create node with invalid name ');
    refuseChassis(values['chassis_uuid']);
    if (values['parent_node']) values['parent_node'] = await this.#parent(values['parent_node'] as string);
    const { chassis_uuid, ...columns } = values;
    const node = {
      ...columns,
      uuid: values['uuid'] ?? randomUUID(),
      conductor_group: String(values['conductor_group'] ?? '').toLowerCase(),
      provision_state: version.does('enrollFirst') ? 'enroll' : 'available',
      ...nameOfInstance(values),
    };
    return this.conductor.createNode(node as unknown as NewNode, asked.by);
  }

  /** @param node as found, to refuse what its state forbids before waiting for its lock */
  async patch(node: Node, body: unknown, resetInterfaces: boolean, asked: Asked): Promise<Node> {
    const { version } = asked;
    const patch = readPatch(NODE_FIELDS, body, version);
    const escapes = version.does('pointerEscapes');
    const roots = new Set(patch.map(({ path }) => pathParts(path, escapes)[0]));
    if (resetInterfaces && !roots.has('driver')) {
      throw new InvalidError(
        "The reset_interfaces parameter can only be used when changing the node's driver.",
      );
    }
    for (const name of patchedValues(patch, '/name')) {
      if (typeof name === 'string') {
        refuseName(name, version, `Node ${node.uuid}: Cannot change name to invalid name `);
      }
    }
    refuseDuringTransition(node, patch, version.does('inspectWaitState'));
    const parents = new Map<string, string>();
    for (const parent of patchedValues(patch, '/parent_node')) {
      if (typeof parent === 'string') parents.set(parent, await this.#parent(parent));
    }
    const edit = (clear: ClearNode): NodeChanges => {
      refuseDuringTransition(clear, patch, version.does('inspectWaitState'));
      return editedBy(clear, patch, { escapes, roots, parents });
    };
    if (roots.has('chassis_uuid')) refuseChassisPatch(patch, version);
    return this.conductor.updateNode(node.uuid, edit, asked.by, resetInterfaces);
  }

  /** @returns uuid of the node that a `parent_node` names; nothing tells whether it exists */
  async #parent(ident: string): Promise<string> {
    const parent = await this.nodes.find(ident);
    if (parent) return parent.uuid;
    throw new InvalidError(
      `Unable to apply the requested parent_node '${shorten(ident)}'. Requested value was invalid.`,
    );
  }
}

function editedBy(
  clear: ClearNode,
  patch: readonly PatchOperation[],
  given: { escapes: boolean; roots: ReadonlySet<string>; parents: ReadonlyMap<string, string> },
): NodeChanges {
  const before: JsonObject = {};
  for (const { name, write } of NODE_FIELDS) {
    if (write?.patch)
      before[name] = COLUMNLESS.includes(name) ? null : (clear[name as keyof ClearNode] as Json);
  }
  const after = readPatched(NODE_FIELDS, applyPatch(before, patch, given.escapes), given.roots);
  const parent = after['parent_node'];
  if (typeof parent === 'string') after['parent_node'] = given.parents.get(parent) ?? parent;
  const changes: JsonObject = {};
  for (const [name, value] of Object.entries(after)) {
    if (!COLUMNLESS.includes(name) && !sameJson(value, before[name])) changes[name] = value;
  }
  return settleEdit(clear, changes) as unknown as NodeChanges;
}

function patchedValues(patch: readonly PatchOperation[], path: string): Json[] {
  return patch
    .filter((operation) => operation.path === path && operation.op !== 'remove')
    .map(({ value }) => value!);
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

/** There are no chassis yet. */
function refuseChassis(uuid: Json | undefined): void {
  if (uuid) throw new InvalidError(`Chassis ${String(uuid)} could not be found.`);
}

function refuseChassisPatch(patch: readonly PatchOperation[], version: Microversion): void {
  for (const value of patchedValues(patch, '/chassis_uuid')) refuseChassis(value);
  const removes = patch.some(({ op, path }) => op === 'remove' && path === '/chassis_uuid');
  if (removes && !version.does('chassisRemoval')) {
    throw new FerricError('not-acceptable', 'Request not acceptable.');
  }
}

function nameOfInstance(values: JsonObject): JsonObject {
  const shown = (values['instance_info'] as JsonObject | undefined)?.['display_name'];
  return typeof shown === 'string' && shown !== '' && !values['instance_name']
    ? { instance_name: shown.slice(0, 255) }
    : {};
}

import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/conductor.js';
import { ConflictError, FerricError, InvalidError } from '../../../domain/errors.js';
import { refusePortEdit } from '../../../domain/node/edit.js';
import { canonicalUuid, isLogicalName, isUuidLike } from '../../../domain/node/name.js';
import type { Json, JsonObject } from '../../../domain/step/step.js';
import type { Node } from '../../../node/node.entity.js';
import { NodeRepository } from '../../../node/node.repository.js';
import type { Port } from '../../../port/port.entity.js';
import type { NewPort, PortChanges } from '../../../port/port.repository.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { objectBody, readCreation, readEdit } from '../../resource/write.js';
import { PORT_FIELDS } from './fields.js';
import { checkLocalLink } from './local-link.js';

@Injectable()
export class PortEditor {
  constructor(
    private readonly conductor: Conductor,
    private readonly nodes: NodeRepository,
  ) {}

  async create(body: unknown, asked: Asked): Promise<Port> {
    const { node_ident, ...given } = objectBody('port', body);
    const node_uuid = await this.#nodeOf(node_ident, given['node_uuid'], asked);
    const values = readCreation('port', PORT_FIELDS, { ...given, node_uuid }, asked.version);
    refusePortgroup(values['portgroup_uuid']);
    checkValues(values);
    const link = checkLocalLink(
      (values['local_link_connection'] as JsonObject | undefined) ?? {},
      values['is_smartnic'] === true,
    );
    const { portgroup_uuid, ...columns } = values;
    const port = { ...columns, local_link_connection: link, uuid: values['uuid'] ?? randomUUID() };
    return this.conductor.createPort(port as unknown as NewPort, asked.by);
  }

  async patch(found: Port, body: unknown, asked: Asked): Promise<Port> {
    const { version } = asked;
    const edit = readEdit(PORT_FIELDS, body, version);
    for (const group of edit.valuesOf('portgroup_uuid')) refusePortgroup(group);
    for (const node of edit.valuesOf('node_uuid')) await this.#refuseMove(node, found, asked);
    const decide = (port: Port, node: Node): PortChanges => {
      const { document, changes } = edit.apply(port);
      checkValues(document);
      const link = checkLocalLink(
        document['local_link_connection'] as JsonObject,
        document['is_smartnic'] === true,
      );
      if ('local_link_connection' in changes) changes['local_link_connection'] = link;
      if (node.provision_state === 'inspecting' && version.does('inspectWaitState')) {
        throw new ConflictError(
          `Cannot update port "${port.uuid}" on "${node.uuid}" while it is in state "inspecting".`,
        );
      }
      refusePortEdit(port.uuid, Object.keys(changes), node);
      return changes as unknown as PortChanges;
    };
    return this.conductor.updatePort(found.uuid, decide, asked.by);
  }

  async #nodeOf(ident: unknown, uuid: unknown, asked: Asked): Promise<string | undefined> {
    if (ident === undefined) {
      if (uuid === undefined)
        throw new InvalidError("Schema error for port: 'node_uuid' is a required property");
      if (typeof uuid !== 'string' || canonicalUuid(uuid) === null) return uuid as string | undefined;
    } else if (uuid !== undefined) {
      throw new InvalidError("Schema error for port: 'node_ident' and 'node_uuid' exclude each other");
    } else if (typeof ident !== 'string') {
      throw new InvalidError("Schema error for port: node_ident is not of type 'string'");
    } else if (!asked.version.does('nodeIdentOfPort')) {
      throw new FerricError('not-acceptable', 'Request not acceptable.');
    }
    const named = (ident ?? uuid) as string;
    const node = await this.nodes.find(canonicalUuid(named) ?? named);
    // Before anything tells whether there is such a node.
    asked.scope.demand('baremetal:port:create', node ?? { owner: null });
    // 404 would speak of the port.
    if (!node) throw new InvalidError(`Node ${shorten(named)} could not be found.`);
    return node.uuid;
  }

  /** A port goes to another node only if that exists and has the same owner. */
  async #refuseMove(to: Json | undefined, port: Port, { scope }: Asked): Promise<void> {
    const uuid = typeof to === 'string' ? canonicalUuid(to) : null;
    const target = uuid === null ? null : await this.nodes.find(uuid);
    const from = await this.nodes.find(port.node_uuid);
    if (!target || target.owner !== from?.owner || !scope.allows('baremetal:node:get', target)) {
      throw new InvalidError(
        `Unable to apply the requested node_uuid '${shorten(String(to))}'. Requested value was invalid.`,
      );
    }
  }
}

function checkValues(values: JsonObject): void {
  if (values['physical_network'] === '') {
    throw new InvalidError('A non-empty value is required when setting physical_network');
  }
  if (values['node_uuid'] === null) {
    throw new InvalidError("Schema error for port: 'node_uuid' is a required property");
  }
  const { name } = values;
  if (typeof name === 'string' && (!isLogicalName(name) || isUuidLike(name))) {
    throw new InvalidError(`Expected a logical name for a port but received ${shorten(name)}.`);
  }
}

/** There are no port groups yet. */
function refusePortgroup(uuid: Json | undefined): void {
  if (uuid) throw new InvalidError(`Portgroup ${shorten(String(uuid))} could not be found.`);
}

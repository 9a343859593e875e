import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { ConflictError, FerricError, InvalidError } from '../../../domain/errors.js';
import type { Json } from '../../../domain/json.js';
import { refusePortEdit } from '../../../domain/node/edit.js';
import { canonicalUuid, isLogicalName, isUuidLike } from '../../../domain/node/name.js';
import type { Node } from '../../../persistence/node/node.entity.js';
import { NodeRepository } from '../../../persistence/node/node.repository.js';
import type { Port } from '../../../persistence/port/port.entity.js';
import { type NewPort, type PortChanges, PortRepository } from '../../../persistence/port/port.repository.js';
import type { Portgroup } from '../../../persistence/portgroup/portgroup.entity.js';
import { PortgroupRepository } from '../../../persistence/portgroup/portgroup.repository.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { objectBody, readCreation, readEdit } from '../../resource/write.js';
import { NodeLink } from '../node/node-link.js';
import { PORT_FIELDS } from './fields.js';
import { checkLocalLink, refuseForeignLink } from './local-link.js';

@Injectable()
export class PortEditor {
  constructor(
    private readonly conductor: Conductor,
    private readonly nodes: NodeRepository,
    private readonly ports: PortRepository,
    private readonly portgroups: PortgroupRepository,
    private readonly link: NodeLink,
  ) {}

  async create(body: unknown, asked: Asked): Promise<Port> {
    const { node_ident, ...given } = objectBody('port', body);
    const node_uuid = await this.#nodeOf(node_ident, given['node_uuid'], asked);
    const values = readCreation('port', PORT_FIELDS, { ...given, node_uuid }, asked.version);
    // A field newer than the version is refused even with the value that the port would have anyway.
    if (PORT_FIELDS.some(({ name, since }) => name in values && !asked.version.has(since))) {
      throw new FerricError('not-acceptable', 'Request not acceptable.');
    }
    checkValues(values);
    if (values.node_uuid === undefined) throw noNode();
    const link = checkLocalLink(values.local_link_connection, values.is_smartnic === true);
    refuseForeignLink(link, asked.version);
    const group = await this.#group(values.portgroup_uuid, node_uuid);
    if (group && !group.standalone_ports_supported && values.pxe_enabled) {
      throw new ConflictError(
        `Port group ${group.uuid} doesn't support standalone ports. This port cannot be created as a member ` +
          "of that portgroup as the port's 'pxe_enabled' field was set to True.",
      );
    }
    const port: NewPort = {
      ...values,
      node_uuid: values.node_uuid,
      local_link_connection: link,
      uuid: values.uuid ?? randomUUID(),
    };
    const made = this.conductor.ports.create(port, asked.by);
    return made.catch((error: unknown) => this.#saying(error, port, asked));
  }

  /** Adds the owner of a MAC address to the error, for requesters who may see that node. */
  async #saying(
    error: unknown,
    { address, node_uuid }: { address: Json; node_uuid: string },
    { scope }: Asked,
  ): Promise<never> {
    if (!(error instanceof ConflictError)) throw error;
    const [taken] = typeof address === 'string' ? await this.ports.byAddresses([address]) : [];
    const node = taken && taken.node_uuid !== node_uuid ? await this.nodes.find(taken.node_uuid) : null;
    if (!taken || !node || (scope.isRestricted && !scope.allows('baremetal:node:get', node))) throw error;
    const whose = node.name === null ? node.uuid : `${node.name} (${node.uuid})`;
    throw new ConflictError(`${error.message} It is port ${taken.uuid} of node ${whose}.`, { cause: error });
  }

  async patch(found: Port, body: unknown, asked: Asked): Promise<Port> {
    const { version } = asked;
    const edit = readEdit(PORT_FIELDS, body, version);
    for (const { path } of edit.patch) {
      if (path === '/local_link_connection/network_type' && !version.does('localLinkNetworkType')) {
        throw new FerricError('not-acceptable', 'Request not acceptable.');
      }
    }
    await this.link.refuseMove(edit, found.node_uuid, asked);
    const to = edit.valuesOf('node_uuid').at(-1) ?? found.node_uuid;
    for (const group of edit.valuesOf('portgroup_uuid')) await this.#group(group, to);
    const decide = (port: Port, node: Node): PortChanges => {
      const { document, changes } = edit.apply(port);
      checkValues(document);
      const linked = document.local_link_connection;
      // Ironic demands a smart NIC's link keys at creation only.
      const link = checkLocalLink(Object.keys(linked).length === 0 ? undefined : linked, false);
      if (
        edit.roots.has('physical_network') &&
        document.portgroup_uuid !== null &&
        version.does('portgroupPhysicalNetwork')
      ) {
        throw new InvalidError('physical_network cannot be changed while the port belongs to a portgroup.');
      }
      if (node.provision_state === 'inspecting' && version.does('inspectWaitState')) {
        throw new ConflictError(
          `Cannot update port "${port.uuid}" on "${node.uuid}" while it is in state "inspecting".`,
        );
      }
      refusePortEdit(port.uuid, Object.keys(changes), node);
      return changes.local_link_connection ? { ...changes, local_link_connection: link } : changes;
    };
    const written = this.conductor.ports.update(found.uuid, decide, asked.by);
    const [address] = edit.valuesOf('address').slice(-1);
    return written.catch((error: unknown) =>
      this.#saying(error, { address: address ?? null, node_uuid: found.node_uuid }, asked),
    );
  }

  async #nodeOf(ident: unknown, uuid: unknown, asked: Asked): Promise<string | undefined> {
    if (ident === undefined) {
      if (uuid === undefined) throw noNode();
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
    // Before the answer can tell whether the node exists.
    asked.scope.demand('baremetal:port:create', node ?? { owner: null });
    // 404 would refer to the port.
    if (!node) throw new InvalidError(`Node ${shorten(named)} could not be found.`);
    return node.uuid;
  }

  /** @throws InvalidError for a missing group or another node's: 404 would refer to the port */
  async #group(uuid: Json | undefined, node_uuid: Json | undefined): Promise<Portgroup | null> {
    if (typeof uuid !== 'string') return null;
    const canonical = canonicalUuid(uuid);
    const group = canonical === null ? null : await this.portgroups.find(canonical);
    if (!group) throw new InvalidError(`Portgroup ${shorten(uuid)} could not be found.`);
    if (group.node_uuid !== node_uuid) {
      throw new InvalidError('Port can not be added to a portgroup belonging to a different node.');
    }
    return group;
  }
}

function checkValues({ physical_network, name }: Partial<Pick<Port, 'physical_network' | 'name'>>): void {
  if (physical_network === '') {
    throw new InvalidError('A non-empty value is required when setting physical_network');
  }
  if (typeof name === 'string' && (!isLogicalName(name) || isUuidLike(name))) {
    throw new InvalidError(`Expected a logical name for a port but received ${shorten(name)}.`);
  }
}

function noNode(): InvalidError {
  return new InvalidError("Schema error for port: 'node_uuid' is a required property");
}

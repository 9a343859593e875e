import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { ConflictError, InvalidError } from '../../../domain/errors.js';
import type { Json } from '../../../domain/json.js';
import { isLogicalName } from '../../../domain/node/name.js';
import type { Portgroup } from '../../../persistence/portgroup/portgroup.entity.js';
import type { NewPortgroup } from '../../../persistence/portgroup/portgroup.repository.js';
import type { Asked } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { readCreation, readEdit } from '../../resource/write.js';
import { NodeLink } from '../node/node-link.js';
import { PORTGROUP_FIELDS } from './fields.js';

/** The default bonding mode (Ironic: [DEFAULT]default_portgroup_mode). */
const DEFAULT_MODE = 'active-backup';

@Injectable()
export class PortgroupEditor {
  constructor(
    private readonly conductor: Conductor,
    private readonly link: NodeLink,
  ) {}

  /** Needs no lock on the node: a group without ports is unused. */
  async create(body: unknown, asked: Asked): Promise<Portgroup> {
    const values = readCreation('portgroup', PORTGROUP_FIELDS, body, asked.version);
    await this.link.demandOnNew('baremetal:portgroup:create', values.node_uuid, asked);
    refuseName(values.name, 'Cannot create portgroup with invalid name');
    const group: NewPortgroup = {
      ...values,
      mode: values.mode || DEFAULT_MODE,
      uuid: values.uuid ?? randomUUID(),
    };
    return this.conductor.ports.createGroup(group, asked.by);
  }

  /** @param ident the client's name of the group, for messages */
  async patch(ident: string, found: Portgroup, body: unknown, asked: Asked): Promise<Portgroup> {
    const { version } = asked;
    const edit = readEdit(PORTGROUP_FIELDS, body, version);
    for (const name of edit.valuesOf('name')) {
      refuseName(name, `Portgroup ${shorten(ident)}: Cannot change name to invalid name`);
    }
    await this.link.refuseMove(edit, found.node_uuid, asked);
    if (edit.patch.some(({ op, path }) => op === 'remove' && path === '/mode')) {
      throw new InvalidError("'mode' is a mandatory attribute and can not be removed");
    }
    return this.conductor.ports.updateGroup(
      found.uuid,
      (group, node) => {
        const { changes } = edit.apply(group);
        if (node.provision_state === 'inspecting' && version.does('inspectWaitState')) {
          throw new ConflictError(
            `Cannot update portgroup "${group.uuid}" on node "${node.uuid}" while it is in state "inspecting".`,
          );
        }
        return changes;
      },
      asked.by,
    );
  }
}

function refuseName(name: Json | undefined, message: string): void {
  if (typeof name !== 'string' || name === '') return;
  if (!isLogicalName(name)) throw new InvalidError(`${message} '${shorten(name)}'`);
}

import type { VolumeConnector, VolumeTarget } from '../../../persistence/volume/volume.entity.js';
import type { Resource } from '../../openapi/describe.js';
import type { Field, Reading } from '../../resource/field.js';
import { fieldsOf, written } from '../../resource/fields-of.js';
import { integer, object, requiredText, requiredUuid, uuid } from '../../resource/schema.js';

const required = { required: true } as const;
const ident = { brief: true, ...written(uuid(), null, { patch: false }) } as const;
const owner = { brief: true, ...written(requiredUuid(), null, required) } as const;
const word = { brief: true, ...written(requiredText(), null, required) } as const;

const connector = fieldsOf<VolumeConnector>();

/** The fields of a volume connector. Source: ironic/api/controllers/v1/volume_connector.py. */
export const CONNECTOR_FIELDS = [
  connector.shown('uuid', 32, ident),
  connector.time('created_at', 32),
  connector.time('updated_at', 32),
  connector.shown('connector_id', 32, word),
  connector.json('extra', 32, written(object(), {})),
  connector.shown('type', 32, word),
  connector.links('volume/connectors', 32),
  connector.unsorted('node_uuid', 32, owner),
] as const satisfies readonly Field<VolumeConnector>[];

export const CONNECTOR: Resource = { name: 'VolumeConnector', fields: CONNECTOR_FIELDS };

/** The replacement of properties that the request must not see. */
const REDACTED = {
  redacted_contents:
    '** Value redacted: Requires permission baremetal:volume:view_target_properties access. Permission denied. **',
};

export interface TargetReading extends Reading {
  readonly showsProperties: boolean;
}

const target = fieldsOf<VolumeTarget, TargetReading>();

/** The fields of a volume target. Source: ironic/api/controllers/v1/volume_target.py. */
export const TARGET_FIELDS = [
  target.shown('uuid', 32, ident),
  target.time('created_at', 32),
  target.time('updated_at', 32),
  target.shown('boot_index', 32, { brief: true, ...written(integer(), null, required) }),
  target.json('extra', 32, written(object(), {})),
  target.json('properties', 32, {
    ...written(object(), {}),
    read: ({ properties }, { showsProperties }) => (showsProperties ? properties : REDACTED),
  }),
  target.shown('volume_id', 32, word),
  target.shown('volume_type', 32, word),
  target.links('volume/targets', 32),
  target.unsorted('node_uuid', 32, owner),
] as const satisfies readonly Field<VolumeTarget, TargetReading>[];

export const TARGET: Resource = { name: 'VolumeTarget', fields: TARGET_FIELDS };

import type { SealedColumn } from '../database/bind-sealed.js';

const ofResource = (table: string, column: string): SealedColumn => ({
  table,
  column,
  from: table,
  row: 'uuid::text',
  key: { id: 'bigint' },
  read: column,
  write: (value) => `${column} = ${value}`,
});

const ofStep = {
  table: 'operation_step',
  from: 'operation_step join operation on operation.id = operation_step.operation_id',
  row: `operation.uuid || '/' || operation_step.position`,
  key: { operation_id: 'bigint', position: 'integer' },
} as const;

/** Null for a text that is not base64: a damaged value is reported where it is used, and must not prevent a start. */
const fromBase64 = (text: string) =>
  `case when ${text} ~ '^[A-Za-z0-9+/]*={0,2}$' and length(${text}) % 4 = 0 then decode(${text}, 'base64') end`;

const asBase64 = (value: string) => `translate(encode(${value}, 'base64'), E'\\n', '')`;

/** Every column with sealed values, with the places that repositories use. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  ofResource('node', 'driver_info_sealed'),
  ofResource('node', 'driver_internal_info_sealed'),
  ofResource('node', 'instance_info_sealed'),
  ofResource('deploy_template', 'steps_sealed'),
  ofResource('runbook', 'steps_sealed'),
  ofResource('inspection_rule', 'sealed'),
  ofResource('volume_target', 'properties_sealed'),
  {
    table: 'inspection_report',
    column: 'report_sealed',
    from: 'inspection_report',
    row: 'node_uuid::text',
    key: { node_uuid: 'uuid' },
    read: fromBase64('report_sealed'),
    write: (value) => `report_sealed = ${asBase64(value)}`,
  },
  {
    table: 'published_file',
    column: 'segments',
    from: 'published_file',
    row: `service || '/' || name`,
    key: { service: 'text', name: 'text' },
    read: fromBase64(`(segments ->> 'sealed')`),
    write: (value) => `segments = jsonb_build_object('sealed', ${asBase64(value)})`,
  },
  {
    ...ofStep,
    column: 'args_sealed',
    read: 'operation_step.args_sealed',
    write: (value) => `args_sealed = ${value}`,
  },
  {
    // The arguments of an action, sealed as one text. Arguments of other steps contain no sealed text of ours.
    ...ofStep,
    column: 'args',
    from: `${ofStep.from} and operation.kind = 'action'`,
    read: fromBase64(`(operation_step.args ->> 'sealed')`),
    write: (value) => `args = jsonb_set(operation_step.args, '{sealed}', to_jsonb(${asBase64(value)}))`,
  },
];

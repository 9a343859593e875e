import type { Conductor } from '../../../conductor/service/conductor.js';
import type { Resource } from '../../openapi/describe.js';
import { LINKS, STRING, STRINGS } from '../../openapi/json-schema.js';
import type { Field } from '../../resource/field.js';
import { INTERFACES } from '../../resource/interface-kind.js';
import { linksTo } from '../../resource/links.js';

type Driver = Awaited<ReturnType<Conductor['drivers']['list']>>[number];
type DriverField = Field<Driver>;

const field = (
  name: string,
  since: number,
  read: DriverField['read'],
  more: Partial<DriverField> = { brief: true },
): DriverField => ({ name, since, columns: [], read, ...more });

/** The fields of a hardware type. Source: ironic/api/controllers/v1/driver.py. */
export const DRIVER_FIELDS: readonly DriverField[] = [
  field('name', 1, (row) => row.name),
  field('hosts', 1, (row) => row.hosts, { brief: true, type: STRINGS }),
  field('links', 1, (row, { base }) => linksTo(base, `drivers/${row.name}`), { always: true, type: LINKS }),
  field('properties', 14, (row, { base }) => linksTo(base, `drivers/${row.name}/properties`), {
    brief: true,
    type: LINKS,
  }),
  field('type', 30, (row) => row.type),
  ...INTERFACES.flatMap(({ kind, driverSince }) => [
    field(`default_${kind}_interface`, driverSince, (row) => row[`default_${kind}_interface`], {}),
    field(`enabled_${kind}_interfaces`, driverSince, (row) => row[`enabled_${kind}_interfaces`], {
      type: { type: ['array', 'null'], items: STRING },
    }),
  ]),
];

export const DRIVER: Resource = { name: 'Driver', fields: DRIVER_FIELDS };

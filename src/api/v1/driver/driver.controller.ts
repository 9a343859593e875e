import { Controller, Get, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { STRING } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { boolean, shorten, stringList, text } from '../../request/value.js';
import { viewOf } from '../../resource/field.js';
import { DRIVER, DRIVER_FIELDS } from './fields.js';
import { refuseUnknownDriver } from './known-driver.js';

const SHOW = {
  fields: { since: 77, hidesVersion: true, read: stringList, about: 'Fields to show, comma-separated' },
} as const satisfies ParameterTable;
export const DRIVER_LIST = {
  ...SHOW,
  type: { since: 30, read: text, about: 'dynamic; there are no classic drivers' },
  detail: { since: 30, read: boolean, about: 'Show all fields' },
} as const satisfies ParameterTable;

@Controller('v1/drivers')
export class DriverController {
  constructor(private readonly conductor: Conductor) {}

  @Get()
  @Since(1)
  @Policy('baremetal:driver:get')
  @Describe({ summary: 'Hardware types', query: DRIVER_LIST, answer: { page: DRIVER, key: 'drivers' } })
  async list(@Req() { asked, query }: ApiRequest) {
    const { fields, detail, type } = readQuery(query, DRIVER_LIST, asked.version);
    if (fields && detail) {
      throw new InvalidError('Can not specify ?detail=True and fields in the same request.');
    }
    if (type !== undefined && type !== 'classic' && type !== 'dynamic') {
      throw new InvalidError('"type" filter must be one of "classic" or "dynamic", if specified.');
    }
    const view = viewOf(DRIVER_FIELDS, asked.version, fields ?? (detail ? 'whole' : 'brief'));
    const drivers = type === 'classic' ? [] : await this.conductor.drivers.list();
    return { drivers: drivers.map((driver) => view.show(driver, asked)) };
  }

  @Get(':name')
  @Since(1)
  @Policy('baremetal:driver:get')
  @Describe({ summary: 'A hardware type', query: SHOW, answer: { part: DRIVER } })
  async show(@Req() { asked, params, query }: ApiRequest) {
    const { fields } = readQuery(query, SHOW, asked.version);
    const view = viewOf(DRIVER_FIELDS, asked.version, fields ?? 'whole');
    const name = params['name']!;
    const driver = (await this.conductor.drivers.list()).find((each) => each.name === name);
    if (!driver) {
      throw new NotFoundError(
        `Could not find the following driver(s) or hardware type(s): ${shorten(name)}.`,
      );
    }
    return view.show(driver, asked);
  }

  @Get(':name/properties')
  @Since(1)
  @Policy('baremetal:driver:get_properties')
  @Describe({
    summary: 'What driver_info may hold',
    answer: { schema: { type: 'object', additionalProperties: STRING } },
  })
  async properties(@Req() { params }: ApiRequest) {
    const name = params['name']!;
    await refuseUnknownDriver(this.conductor, name);
    return this.conductor.drivers.properties(name);
  }
}

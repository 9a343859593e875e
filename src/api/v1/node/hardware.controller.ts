import { Controller, Get, Req } from '@nestjs/common';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import { HardwareRepository } from '../../../persistence/hardware/hardware.repository.js';
import { Policy } from '../../auth/policy.js';
import type { Microversion } from '../../microversion/microversion.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { OBJECT, objectOf } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { boolean, shorten, stringList } from '../../request/value.js';
import { viewOf } from '../../resource/field.js';
import { BIOS_FIELDS, FIRMWARE_FIELDS } from './hardware-fields.js';
import { NodeFinder } from './node-finder.js';

export const BIOS_LIST = {
  fields: { read: stringList, about: 'Fields to show, comma-separated' },
  detail: { read: boolean, about: 'Show all fields' },
} as const satisfies ParameterTable;
export const FIRMWARE_LIST = {
  fields: { read: stringList, about: 'Fields to show, comma-separated' },
  detail: { read: boolean, about: 'Show all fields' },
} as const satisfies ParameterTable;

/** The recorded hardware of a node. */
@Controller('v1/nodes/:ident')
export class NodeHardwareController {
  constructor(
    private readonly hardware: HardwareRepository,
    private readonly finder: NodeFinder,
  ) {}

  @Get('bios')
  @Since(40)
  @Policy('baremetal:node:bios:get')
  @Describe({
    summary: 'BIOS settings of a node',
    query: BIOS_LIST,
    answer: { schema: objectOf({ bios: { type: 'array', items: OBJECT } }) },
  })
  async biosSettings(@Req() { asked, params, query }: ApiRequest) {
    const { fields, detail } = readQuery(query, BIOS_LIST, asked.version);
    refuseForVersion(asked.version, fields, detail);
    refuseBoth(fields, detail);
    const view = viewOf(BIOS_FIELDS, asked.version, fields ?? (detail ? 'whole' : 'brief'));
    const node = await this.finder.find(params['ident']!, asked);
    const rows = await this.hardware.biosSettings(node.uuid);
    // Links in a list use the client's name of the node, those of one setting its UUID, as in Ironic.
    return { bios: rows.map((row) => view.show({ ...row, node_uuid: params['ident']! }, asked)) };
  }

  @Get('bios/:setting')
  @Since(40)
  @Policy('baremetal:node:bios:get')
  @Describe({ summary: 'A BIOS setting of a node', answer: { schema: OBJECT } })
  async biosSetting(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const name = params['setting']!;
    const row = await this.hardware.biosSetting(node.uuid, name);
    if (!row) throw new NotFoundError(`Node ${node.uuid} doesn't have a BIOS setting '${shorten(name)}'`);
    return { [name]: viewOf(BIOS_FIELDS, asked.version, 'whole').show(row, asked) };
  }

  @Get('firmware')
  @Since(86)
  @Policy('baremetal:node:firmware:get')
  @Describe({
    summary: 'Firmware of the parts of a node',
    query: FIRMWARE_LIST,
    answer: { schema: objectOf({ firmware: { type: 'array', items: OBJECT } }) },
  })
  async firmware(@Req() { asked, params, query }: ApiRequest) {
    const { fields, detail } = readQuery(query, FIRMWARE_LIST, asked.version);
    refuseBoth(fields, detail);
    const newer = FIRMWARE_FIELDS.filter(
      (field) => fields?.includes(field.name) && !asked.version.has(field.since),
    );
    if (newer.length > 0) {
      const names = newer.map(({ name }) => name).toSorted();
      throw new InvalidError(
        `Fields ${names.join(', ')} are not allowed in this API version. ` +
          `They require at least API version 1.${newer[0]!.since}.`,
      );
    }
    const view = viewOf(FIRMWARE_FIELDS, asked.version, fields ?? 'brief');
    const node = await this.finder.find(params['ident']!, asked);
    const rows = await this.hardware.firmware(node.uuid);
    return { firmware: rows.map((row) => view.show(row, asked)) };
  }

  @Get('inventory')
  @Since(81)
  @Policy('baremetal:node:inventory:get')
  @Describe({
    summary: 'What the last inspection found',
    answer: { schema: objectOf({ inventory: OBJECT, plugin_data: OBJECT }) },
  })
  async inventory(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const found = await this.hardware.inventory(node.uuid);
    if (!found) throw new NotFoundError(`Node inventory record for node ${node.uuid} could not be found.`);
    return found;
  }
}

/** Before the registry there was no selection; 400 and not 406, as in Ironic's get_request_return_fields. */
function refuseForVersion(
  version: Microversion,
  fields: readonly string[] | undefined,
  detail: boolean | undefined,
): void {
  if (version.does('biosRegistry')) return;
  const given = [
    ...(detail === undefined ? [] : [`detail=${detail ? 'True' : 'False'}`]),
    ...(fields === undefined ? [] : [`fields=[${fields.map((name) => `'${shorten(name)}'`).join(', ')}]`]),
  ];
  if (given[0]) throw new InvalidError(`Invalid query parameter ?${given[0]} received.`);
}

function refuseBoth(fields: readonly string[] | undefined, detail: boolean | undefined): void {
  if (fields && detail) {
    throw new InvalidError('Can not specify ?detail=True and fields in the same request.');
  }
}

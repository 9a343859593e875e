import { Controller, Get, HttpCode, Put, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/conductor.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { FLAG, objectOf, STRING, STRINGS, TEXT } from '../../openapi/json-schema.js';
import { readFlag, readText, refuseUnknown, required } from '../../request/arguments.js';
import type { ApiRequest } from '../../request/asked.js';
import { objectBody } from '../../resource/write.js';
import { NodeFinder } from './node-finder.js';

@Controller('v1/nodes/:ident/management')
export class NodeManagementController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
  ) {}

  @Get('boot_device')
  @Since(1)
  @Policy('baremetal:node:get_boot_device')
  @Describe({ summary: 'Boot device', answer: { schema: objectOf({ boot_device: TEXT, persistent: FLAG }) } })
  async bootDevice(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    return this.conductor.getBootDevice(node.uuid);
  }

  @Put('boot_device')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:node:set_boot_device')
  @Describe({
    summary: 'Set the boot device',
    body: { schema: objectOf({ boot_device: STRING, persistent: FLAG }, ['boot_device']) },
  })
  async setBootDevice(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const given = objectBody('boot_device', body);
    refuseUnknown(given, ['boot_device', 'persistent']);
    const device = required('boot_device', readText(given, 'boot_device', 100));
    await this.conductor.setBootDevice(node.uuid, device, readFlag(given, 'persistent') ?? false, asked.by);
  }

  @Get('boot_device/supported')
  @Since(1)
  @Policy('baremetal:node:get_boot_device')
  @Describe({
    summary: 'Boot devices that can be set',
    answer: { schema: objectOf({ supported_boot_devices: STRINGS }) },
  })
  async supportedBootDevices(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    return { supported_boot_devices: await this.conductor.supportedBootDevices(node.uuid) };
  }
}

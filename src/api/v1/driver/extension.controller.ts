import { Controller, Delete, Get, HttpCode, Patch, Post, Put, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { FerricError } from '../../../domain/errors.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe, type RouteDescription } from '../../openapi/describe.js';
import { OBJECT } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { notThere } from '../node/machine.controller.js';
import { NAMED, VENDOR_ANSWER, VENDOR_BODY, vendorCall } from '../node/vendor-call.js';
import { refuseUnknownDriver } from './known-driver.js';

const CALL: RouteDescription = { summary: 'Call a vendor method of a hardware type', answer: VENDOR_ANSWER };
const CALL_WITH_BODY: RouteDescription = { ...CALL, body: VENDOR_BODY };
const NAMED_CALL: RouteDescription = {
  ...CALL,
  summary: 'Call a vendor method of a hardware type that the query names',
  query: NAMED,
};
const NAMED_CALL_WITH_BODY: RouteDescription = { ...NAMED_CALL, body: VENDOR_BODY };

/** What the default interfaces of a hardware type offer. */
@Controller('v1/drivers/:name')
export class DriverExtensionController {
  constructor(private readonly conductor: Conductor) {}

  @Get('raid/logical_disk_properties')
  @Since(1)
  @Policy('baremetal:driver:get_raid_logical_disk_properties')
  @Describe({ summary: 'What a logical disk may say', answer: { schema: OBJECT } })
  async logicalDiskProperties(@Req() { asked, params }: ApiRequest) {
    if (!asked.version.does('raidConfig')) throw new FerricError('not-acceptable', 'Request not acceptable.');
    await refuseUnknownDriver(this.conductor, params['name']!);
    return notThere(() => this.conductor.hardware.logicalDiskProperties(params['name']!));
  }

  @Get('vendor_passthru/methods')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe({ summary: 'Vendor methods of a hardware type', answer: { schema: OBJECT } })
  async methods(@Req() { params }: ApiRequest) {
    await refuseUnknownDriver(this.conductor, params['name']!);
    return this.conductor.vendor.driverMethods(params['name']!);
  }

  @Get('vendor_passthru/:method')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(CALL)
  get(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Post('vendor_passthru/:method')
  @HttpCode(200)
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(CALL_WITH_BODY)
  post(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Put('vendor_passthru/:method')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(CALL_WITH_BODY)
  put(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Patch('vendor_passthru/:method')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(CALL_WITH_BODY)
  patch(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Delete('vendor_passthru/:method')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(CALL)
  delete(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Post('vendor_passthru')
  @HttpCode(200)
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(NAMED_CALL_WITH_BODY)
  postNamed(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Get('vendor_passthru')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(NAMED_CALL)
  getNamed(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Put('vendor_passthru')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(NAMED_CALL_WITH_BODY)
  putNamed(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Patch('vendor_passthru')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(NAMED_CALL_WITH_BODY)
  patchNamed(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  @Delete('vendor_passthru')
  @Since(1)
  @Policy('baremetal:driver:vendor_passthru')
  @Describe(NAMED_CALL)
  deleteNamed(@Req() request: ApiRequest) {
    return this.#call(request);
  }

  async #call(request: ApiRequest): Promise<never> {
    const name = request.params['name']!;
    const { method } = vendorCall(request);
    await refuseUnknownDriver(this.conductor, name);
    return this.conductor.vendor.callDriver(name, method);
  }
}

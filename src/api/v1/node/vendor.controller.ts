import { Controller, Delete, Get, HttpCode, Patch, Post, Put, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe, type RouteDescription } from '../../openapi/describe.js';
import { OBJECT } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { NodeFinder } from './node-finder.js';
import { answerVendor, NAMED, VENDOR_ANSWER, VENDOR_BODY, vendorCall } from './vendor-call.js';

const CALL: RouteDescription = {
  summary: 'Call a vendor method of a node',
  answer: VENDOR_ANSWER,
  orAccepted: true,
};
const CALL_WITH_BODY: RouteDescription = { ...CALL, body: VENDOR_BODY };
const NAMED_CALL: RouteDescription = {
  ...CALL,
  summary: 'Call a vendor method that the query names',
  query: NAMED,
};
const NAMED_CALL_WITH_BODY: RouteDescription = { ...NAMED_CALL, body: VENDOR_BODY };

/** Vendor methods of a node. The path names the method, or the query, as old clients do. */
@Controller('v1/nodes/:ident/vendor_passthru')
export class NodeVendorController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
  ) {}

  @Get('methods')
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe({ summary: 'Vendor methods of a node', answer: { schema: OBJECT } })
  async methods(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    return this.conductor.vendor.methods(node.uuid);
  }

  @Get()
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(NAMED_CALL)
  getNamed(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Post()
  @HttpCode(200)
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(NAMED_CALL_WITH_BODY)
  postNamed(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Put()
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(NAMED_CALL_WITH_BODY)
  putNamed(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Patch()
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(NAMED_CALL_WITH_BODY)
  patchNamed(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Delete()
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(NAMED_CALL)
  deleteNamed(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Get(':method')
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(CALL)
  get(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Post(':method')
  @HttpCode(200)
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(CALL_WITH_BODY)
  post(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Put(':method')
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(CALL_WITH_BODY)
  put(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Patch(':method')
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(CALL_WITH_BODY)
  patch(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  @Delete(':method')
  @Since(1)
  @Policy('baremetal:node:vendor_passthru')
  @Describe(CALL)
  delete(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return this.#call(request, reply);
  }

  async #call(request: ApiRequest, reply: ApiReply) {
    const { asked, params } = request;
    const node = await this.finder.find(params['ident']!, asked);
    const { method, given } = vendorCall(request);
    const answer = await this.conductor.vendor.call(node.uuid, method, request.method, given, asked.by);
    return answerVendor(reply, answer);
  }
}

import { Controller, Delete, Get, HttpCode, Post, Put, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { FerricError, InvalidError } from '../../../domain/errors.js';
import { MEDIA_DEVICES, type MediaDevice } from '../../../domain/hardware/component.js';
import type { JsonObject } from '../../../domain/json.js';
import { Policy } from '../../auth/policy.js';
import { Since, SinceBehindPolicy } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { FLAG, OBJECT, objectOf, STRING, STRINGS, TEXT } from '../../openapi/json-schema.js';
import { readFlag, readText, refuseUnknown, required } from '../../request/arguments.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { boolean, shorten, stringList, text } from '../../request/value.js';
import { objectBody } from '../../resource/write.js';
import { NodeFinder } from './node-finder.js';

export const DETACHING = {
  device_types: { read: stringList, about: 'Devices to detach, comma-separated; all without it' },
} as const satisfies ParameterTable;
/** A boolean, or a word for one. */
const SWITCH = { type: ['boolean', 'string', 'integer'] };
const MEDIUM = objectOf(
  {
    device_type: { enum: MEDIA_DEVICES },
    image_url: STRING,
    image_download_source: { enum: ['http', 'local', 'swift'] },
  },
  ['device_type', 'image_url'],
);
const DRIVE = objectOf({ media_types: STRINGS, image: TEXT, inserted: FLAG });
const IN_BODY = 'as old clients name it; in the body otherwise';
const MEDIA_SCHEMES = ['http', 'https', 'nfs', 'cifs', 'smb'];
const MEDIA_SOURCES = ['http', 'local', 'swift'];

/** Other actions on a node's machine. 202 means that the request is stored; a failure is in last_error. */
@Controller('v1/nodes/:ident')
export class NodeMachineController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
  ) {}

  @Get('states/console')
  @Since(1)
  @Policy('baremetal:node:get_console')
  @Describe({
    summary: 'Whether the console is on, and where',
    answer: { schema: objectOf({ console_enabled: FLAG, console_info: OBJECT }) },
  })
  async console(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    if (!node.console_enabled) return { console_enabled: false, console_info: null };
    return { console_enabled: true, console_info: await this.conductor.hardware.console(node.uuid) };
  }

  @Put('states/console')
  @HttpCode(202)
  @Since(1)
  @Policy('baremetal:node:set_console_state')
  @Describe({
    summary: 'Turn the console on or off',
    query: { enabled: { read: boolean, about: IN_BODY } },
    body: { schema: objectOf({ enabled: SWITCH }), optional: true },
  })
  async setConsole(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const { asked, params } = request;
    const given = fromBodyOrQuery('console', request);
    refuseUnknown(given, ['enabled']);
    const node = await this.finder.find(params['ident']!, asked);
    const enabled = required('enabled', readFlag(given, 'enabled'));
    await this.conductor.hardware.setConsole(node.uuid, enabled, asked.by);
    accepted(reply, request, 'states/console');
  }

  @Put('states/raid')
  @HttpCode(204)
  @Since(1)
  @Policy('baremetal:node:set_raid_state')
  @Describe({ summary: 'Set the target RAID configuration', body: { schema: OBJECT } })
  async raid(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    if (!asked.version.does('raidConfig')) throw new FerricError('not-acceptable', 'Request not acceptable.');
    const config = objectBody('target_raid_config', body) as JsonObject;
    await notThere(() => this.conductor.hardware.setTargetRaid(node.uuid, config, asked.by));
  }

  @Put('states/boot_mode')
  @HttpCode(202)
  @SinceBehindPolicy(76)
  @Policy('baremetal:node:set_boot_mode')
  @Describe({
    summary: 'Ask for a boot mode',
    query: { target: { read: text, about: IN_BODY } },
    body: { schema: objectOf({ target: { enum: ['bios', 'uefi'] } }), optional: true },
  })
  async bootMode(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const { asked, params } = request;
    const given = fromBodyOrQuery('boot_mode', request);
    refuseUnknown(given, ['target']);
    const node = await this.finder.find(params['ident']!, asked);
    const target = required('target', readText(given, 'target', 100));
    if (target !== 'bios' && target !== 'uefi') {
      throw new InvalidError(
        `Invalid boot mode ${shorten(target)} requested for node. Allowed boot modes are: bios, uefi`,
      );
    }
    await this.conductor.hardware.setBootMode(node.uuid, target, asked.by);
    accepted(reply, request, 'states');
  }

  @Put('states/secure_boot')
  @HttpCode(202)
  @SinceBehindPolicy(76)
  @Policy('baremetal:node:set_secure_boot')
  @Describe({
    summary: 'Ask for Secure Boot',
    query: { target: { read: boolean, about: IN_BODY } },
    body: { schema: objectOf({ target: SWITCH }), optional: true },
  })
  async secureBoot(@Req() request: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const { asked, params } = request;
    const given = fromBodyOrQuery('secure_boot', request);
    refuseUnknown(given, ['target']);
    const node = await this.finder.find(params['ident']!, asked);
    const target = required('target', readFlag(given, 'target'));
    await this.conductor.hardware.setSecureBoot(node.uuid, target, asked.by);
    accepted(reply, request, 'states');
  }

  @Get('vmedia')
  @Since(93)
  @Policy('baremetal:node:vmedia:get')
  @Describe({ summary: 'Drives of virtual media', answer: { schema: { type: 'array', items: DRIVE } } })
  async media(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    return this.conductor.hardware.media(node.uuid);
  }

  @Post('vmedia')
  @HttpCode(204)
  @Since(89)
  @Policy('baremetal:node:vmedia:attach')
  @Describe({ summary: 'Attach virtual media', body: { schema: MEDIUM } })
  async attach(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const given = objectBody('vmedia', body);
    refuseUnknown(given, ['device_type', 'image_url', 'image_download_source']);
    const device_type = mediaDevice(required('device_type', readText(given, 'device_type', 100)));
    const image_url = required('image_url', readText(given, 'image_url', 4096));
    const image_download_source = readText(given, 'image_download_source', 100) ?? 'local';
    if (!MEDIA_SOURCES.includes(image_download_source)) {
      throw new InvalidError(`image_download_source must be one of ${MEDIA_SOURCES.join(', ')}`);
    }
    const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(image_url)?.[1]?.toLowerCase() ?? '';
    if (!MEDIA_SCHEMES.includes(scheme))
      throw new InvalidError(`Unsupported or missing URL scheme: ${scheme}`);
    const medium = { device_type, image_url, image_download_source };
    await this.conductor.hardware.attachMedia(node.uuid, medium, asked.by);
  }

  @Delete('vmedia')
  @HttpCode(204)
  @Since(89)
  @Policy('baremetal:node:vmedia:detach')
  @Describe({ summary: 'Detach virtual media', query: DETACHING })
  async detach(@Req() { asked, params, query }: ApiRequest) {
    const { device_types } = readQuery(query, DETACHING, asked.version);
    const node = await this.finder.find(params['ident']!, asked);
    const devices = device_types?.map(mediaDevice) ?? null;
    await this.conductor.hardware.detachMedia(node.uuid, devices, asked.by);
  }
}

/** Old clients send simple arguments in the query, newer ones in the body. */
function fromBodyOrQuery(what: string, { body, query }: ApiRequest): Readonly<Record<string, unknown>> {
  return { ...query, ...objectBody(what, body ?? {}) };
}

function mediaDevice(name: string): MediaDevice {
  const known = MEDIA_DEVICES.find((device) => device === name);
  if (known) return known;
  throw new InvalidError(`Invalid device type(s) ${shorten(name)} (valid are ${MEDIA_DEVICES.join(', ')})`);
}

/** For RAID alone, an unsupported interface is answered 404. */
export async function notThere<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof FerricError) || error.code !== 'unsupported') throw error;
    throw new FerricError('not-found', error.message, { cause: error });
  }
}

function accepted(reply: ApiReply, { asked, params }: ApiRequest, path: string): void {
  reply.header('location', `${asked.base}/v1/nodes/${encodeURIComponent(params['ident']!)}/${path}`);
}

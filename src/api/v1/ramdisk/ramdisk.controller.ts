import { Controller, Get, HttpCode, Post, Req } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { HeartbeatBody } from '../../../conductor/service/request.js';
import { FerricError, InvalidError, messageOf, NotFoundError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { Policy } from '../../auth/policy.js';
import { versionOf } from '../../microversion/microversion.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { OBJECT, objectOf, STRING, TEXT } from '../../openapi/json-schema.js';
import { readText, refuseUnknown, required } from '../../request/arguments.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { isMacAddress, stringList, uuid } from '../../request/value.js';
import { viewOf } from '../../resource/field.js';
import { objectBody } from '../../resource/write.js';
import { LOOKUP_FIELDS, NODE_FIELDS } from '../node/fields.js';
import { RamdiskAccess } from './access.js';
import { agentConfig } from './agent-config.js';
import { INSPECTION_SCHEMA, machineOf, readInspection } from './inspection-body.js';

export const LOOKUP = {
  addresses: { read: stringList, about: 'MAC addresses of the machine, comma-separated' },
  node_uuid: { read: uuid, about: 'The node, where the ramdisk was told' },
} as const satisfies ParameterTable;
const INSPECTION = {
  node_uuid: { read: uuid, about: 'The node, where the ramdisk was told; since 1.84' },
} as const satisfies ParameterTable;
const MOST_ADDRESSES = 128;
const STATUSES = ['start', 'end', 'error'];

const HEARTBEAT = objectOf(
  {
    callback_url: STRING,
    agent_token: STRING,
    agent_version: TEXT,
    agent_verify_ca: TEXT,
    agent_status: TEXT,
    agent_status_message: TEXT,
  },
  ['callback_url', 'agent_token'],
);

/** Lookup, heartbeat and inspection reports of ramdisks. */
@Controller('v1')
export class RamdiskController {
  constructor(
    private readonly conductor: Conductor,
    private readonly access: RamdiskAccess,
  ) {}

  @Get('lookup')
  @Since(22)
  @Policy('public')
  @Describe({
    summary: 'A ramdisk finds its node',
    query: LOOKUP,
    answer: { schema: objectOf({ node: OBJECT, config: OBJECT }) },
  })
  async lookUp(@Req() { asked, query, ip }: ApiRequest) {
    const source = this.access.sourceOf(ip);
    const { addresses = [], node_uuid } = readQuery(query, LOOKUP, asked.version);
    const macs = addresses.filter(isMacAddress).slice(0, MOST_ADDRESSES);
    if (macs.length === 0 && node_uuid === undefined) {
      throw new InvalidError("At least one of 'addresses' and 'node_uuid' parameters is required");
    }
    const tokens = asked.version.does('agentToken');
    const asking = { addresses: macs, node_uuid: node_uuid ?? null, source, tokens };
    const found = await this.#orMiss(source, () => this.conductor.agents.lookUp(asking));
    const view = viewOf(NODE_FIELDS, asked.version, LOOKUP_FIELDS);
    const reading = { version: asked.version, base: asked.base, steps: new Map(), now: 0 };
    return {
      node: view.show(found.node, reading),
      config: agentConfig(this.access.settings, shownToken(found.agent_token, tokens || found.has_token)),
    };
  }

  @Post('heartbeat/:ident')
  @HttpCode(202)
  @Since(22)
  @Policy('public')
  @Describe({ summary: 'A ramdisk lives', body: { schema: HEARTBEAT } })
  async heartbeat(@Req() { asked, params, body, ip }: ApiRequest) {
    const source = this.access.sourceOf(ip);
    const node = canonicalUuid(params['ident']!);
    const heartbeat = readHeartbeat(body, asked.version);
    if (node === null) throw this.access.miss('no node is named so', source);
    await this.#orMiss(source, () => this.conductor.agents.heartbeat(node, heartbeat, source));
  }

  @Post('continue_inspection')
  @HttpCode(202)
  @Since(1)
  @Policy('public')
  @Describe({
    summary: 'A ramdisk tells what it found',
    query: INSPECTION,
    body: { schema: INSPECTION_SCHEMA },
    answer: { schema: OBJECT },
  })
  continueInspection(@Req() request: ApiRequest) {
    return this.#report(request, null);
  }

  /** Inspection report of a ramdisk that Ferric booted: the last part of its URL is the secret of that boot. */
  @Post('continue_inspection/:secret')
  @HttpCode(202)
  @Since(1)
  @Policy('public')
  @Describe({
    summary: 'A ramdisk that Ferric booted tells what it found',
    query: INSPECTION,
    body: { schema: INSPECTION_SCHEMA },
    answer: { schema: OBJECT },
  })
  continueBootedInspection(@Req() request: ApiRequest) {
    return this.#report(request, request.params['secret']!);
  }

  async #report({ asked, query, body, ip }: ApiRequest, secret: string | null) {
    const source = this.access.sourceOf(ip);
    const { version, base, by } = asked;
    const { node_uuid } = readQuery(query, INSPECTION, version);
    const isNew = version.does('continueInspection');
    // Clients at 1.1 are those of ironic-inspector, which has no node_uuid.
    if (!isNew && (!version.isOldest || node_uuid !== undefined)) {
      throw new NotFoundError(`API version ${versionOf('continueInspection')} or newer is required`);
    }
    const from = { node_uuid: node_uuid ?? null, secret, source };
    const read = async () => {
      try {
        return readInspection(body);
      } catch (error) {
        await this.conductor.inspections.refuse({ ...from, ...machineOf(body) }, messageOf(error));
        throw error;
      }
    };
    const { inventory, plugin_data, macs, booted, bmc_addresses } = await read();
    if (macs.length === 0 && bmc_addresses.length === 0 && node_uuid === undefined) {
      throw new InvalidError('No lookup information provided');
    }
    const search = { ...from, macs, booted, bmc_addresses };
    const found = await this.#orMiss(source, () =>
      this.conductor.inspections.take({ inventory, plugin_data }, search, isNew, by),
    );
    if (!isNew) return { uuid: found.node.uuid };
    const view = viewOf(NODE_FIELDS, version, LOOKUP_FIELDS);
    return {
      node: view.show(found.node, { version, base, steps: new Map(), now: 0 }),
      config: agentConfig(this.access.settings, shownToken(found.agent_token, true)),
    };
  }

  async #orMiss<T>(source: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FerricError && error.code === 'not-found') {
        throw this.access.miss(messageOf(error), source);
      }
      throw error;
    }
  }
}

/**
 * The token is given out until it is used: after that, a lookup comes from a ramdisk that has it, or from another one.
 * @param known whether to tell that a token exists
 */
function shownToken(agent_token: string | null, known: boolean): string | null {
  return agent_token ?? (known ? '******' : null);
}

function readHeartbeat(body: unknown, version: ApiRequest['asked']['version']): HeartbeatBody {
  const given = objectBody('heartbeat', body);
  const read = (name: keyof HeartbeatBody, max: number) => readText(given, name, max);
  refuseUnknown(given, [
    'callback_url',
    'agent_token',
    'agent_version',
    'agent_verify_ca',
    'agent_status',
    'agent_status_message',
  ]);
  const callback_url = required('callback_url', read('callback_url', 255));
  const agent_version = read('agent_version', 64);
  if (agent_version && !version.does('agentVersion')) {
    throw new InvalidError('Field "agent_version" not recognised');
  }
  const agent_status = read('agent_status', 16);
  const agent_status_message = read('agent_status_message', 4096);
  if ((agent_status || agent_status_message) && !version.does('agentStatus')) {
    throw new InvalidError('Fields "agent_status" and "agent_status_message" not recognised.');
  }
  const agent_verify_ca = read('agent_verify_ca', 16_384);
  if (agent_verify_ca !== null && !version.does('agentVerifyCa')) {
    throw new InvalidError('Field "agent_verify_ca" not recognised in this version');
  }
  const agent_token = read('agent_token', 255);
  if (agent_token === null) throw new InvalidError('Agent token is required for heartbeat processing.');
  if (agent_status !== null && !STATUSES.includes(agent_status)) {
    throw new InvalidError(`Agent status is invalid. Valid states are ${STATUSES.join(',')}.`);
  }
  return {
    callback_url,
    agent_token,
    ...(agent_version === null ? {} : { agent_version }),
    ...(agent_verify_ca === null ? {} : { agent_verify_ca }),
    ...(agent_status === null ? {} : { agent_status }),
    ...(agent_status_message === null ? {} : { agent_status_message }),
  };
}

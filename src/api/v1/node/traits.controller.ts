import { Controller, Delete, Get, HttpCode, Put, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import { isTrait, settleTraits } from '../../../domain/node/trait.js';
import { Policy } from '../../auth/policy.js';
import { Since, SinceBehindPolicy, SinceElse } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRINGS } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { describe } from '../../resource/schema.js';
import { objectBody } from '../../resource/write.js';
import { NodeFinder } from './node-finder.js';

const HOW =
  'A single node trait may be added via PUT /v1/nodes/<node identifier>/traits/<trait> with no body, or all node ' +
  'traits may be replaced via PUT /v1/nodes/<node identifier>/traits with the list of traits specified in the ' +
  'request body.';

/**
 * Traits of a node: standard ones and `CUSTOM_…`. Before 1.37 Ironic took `traits` and `traits/X` for arguments of the
 * node's own route: an unknown field, a missing method, or nothing to delete.
 */
@Controller('v1/nodes/:ident/traits')
export class NodeTraitsController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
  ) {}

  @Get()
  @SinceBehindPolicy(37, 406)
  @Policy('baremetal:node:traits:list')
  @Describe({ summary: 'Traits of a node', answer: { schema: objectOf({ traits: STRINGS }) } })
  async list(@Req() { asked, params }: ApiRequest) {
    return { traits: (await this.finder.find(params['ident']!, asked)).traits };
  }

  @Put()
  @HttpCode(204)
  @SinceElse(37, 405)
  @Policy('baremetal:node:traits:set')
  @Describe({ summary: 'Replace the traits of a node', body: { schema: objectOf({ traits: STRINGS }) } })
  async replace(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const traits = readTraits(body);
    await this.conductor.nodes.update(
      node.uuid,
      ({ uuid }) => ({ traits: settleTraits(uuid, traits) }),
      asked.by,
    );
  }

  @Put(':trait')
  @HttpCode(204)
  @SinceElse(37, 405)
  @Policy('baremetal:node:traits:set')
  @Describe({ summary: 'Give a node a trait' })
  async add(@Req() { asked, params, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const trait = refuseOther('trait', params['trait']);
    const node = await this.finder.find(params['ident']!, asked);
    if ('traits' in knownBody(body)) throw new InvalidError(HOW);
    await this.conductor.nodes.update(
      node.uuid,
      ({ uuid, traits }) => ({ traits: settleTraits(uuid, [...traits, trait]) }),
      asked.by,
    );
    const ident = encodeURIComponent(params['ident']!);
    reply.header('location', `${asked.base}/v1/nodes/${ident}/traits/${trait}`);
  }

  @Delete()
  @HttpCode(204)
  @Since(37)
  @Policy('baremetal:node:traits:delete')
  @Describe({ summary: 'Take all traits from a node' })
  async clear(@Req() { asked, params }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    await this.conductor.nodes.update(node.uuid, () => ({ traits: [] }), asked.by);
  }

  @Delete(':trait')
  @HttpCode(204)
  @Since(37)
  @Policy('baremetal:node:traits:delete')
  @Describe({ summary: 'Take a trait from a node' })
  async remove(@Req() { asked, params }: ApiRequest) {
    const trait = params['trait']!;
    const node = await this.finder.find(params['ident']!, asked);
    await this.conductor.nodes.update(
      node.uuid,
      ({ uuid, traits }) => {
        if (!traits.includes(trait)) {
          throw new NotFoundError(`Node ${uuid} doesn't have a trait '${shorten(trait)}'`);
        }
        return { traits: traits.filter((has) => has !== trait) };
      },
      asked.by,
    );
  }
}

function readTraits(body: unknown): string[] {
  const { traits } = knownBody(body);
  if (traits === undefined) throw new InvalidError(HOW);
  if (!Array.isArray(traits)) throw fault('body', `${describe(traits)} is not of type 'array'`);
  return traits.map((trait) => refuseOther('body', trait));
}

/** @throws InvalidError for anything but `traits` */
function knownBody(body: unknown): Record<string, unknown> {
  const given = objectBody('body', body);
  const unknown = Object.keys(given).find((name) => name !== 'traits');
  if (unknown === undefined) return given;
  throw fault('body', `Additional properties are not allowed ('${shorten(unknown)}' was unexpected)`);
}

/** @param where part of the request, for the message */
function refuseOther(where: string, trait: unknown): string {
  if (typeof trait !== 'string') throw fault(where, `${describe(trait)} is not of type 'string'`);
  if (isTrait(trait)) return trait;
  const shown = describe(trait);
  const custom = `${shown} does not match '^CUSTOM_[A-Z0-9_]+$'`;
  throw fault(where, `${shown} is not valid under any of the given schemas. Possible root cause: ${custom}`);
}

function fault(where: string, message: string): InvalidError {
  return new InvalidError(`Schema error for ${where}: ${message}`);
}

import { Controller, Delete, Get, HttpCode, Put, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/conductor.js';
import { InvalidError, NotFoundError } from '../../../domain/errors.js';
import { isTrait, settleTraits } from '../../../domain/node/trait.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRINGS } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { shorten } from '../../request/value.js';
import { objectBody } from '../../resource/write.js';
import { NodeFinder } from './node-finder.js';

/** Words that say what a node is good for: standard ones and `CUSTOM_…`. */
@Controller('v1/nodes/:ident/traits')
export class NodeTraitsController {
  constructor(
    private readonly conductor: Conductor,
    private readonly finder: NodeFinder,
  ) {}

  @Get()
  @Since(37)
  @Policy('baremetal:node:traits:list')
  @Describe({ summary: 'Traits of a node', answer: { schema: objectOf({ traits: STRINGS }) } })
  async list(@Req() { asked, params }: ApiRequest) {
    return { traits: (await this.finder.find(params['ident']!, asked)).traits };
  }

  @Put()
  @HttpCode(204)
  @Since(37)
  @Policy('baremetal:node:traits:set')
  @Describe({ summary: 'Replace the traits of a node', body: { schema: objectOf({ traits: STRINGS }) } })
  async replace(@Req() { asked, params, body }: ApiRequest) {
    const node = await this.finder.find(params['ident']!, asked);
    const traits = readTraits(body);
    await this.conductor.updateNode(
      node.uuid,
      ({ uuid }) => ({ traits: settleTraits(uuid, traits) }),
      asked.by,
    );
  }

  @Put(':trait')
  @HttpCode(204)
  @Since(37)
  @Policy('baremetal:node:traits:set')
  @Describe({ summary: 'Give a node a trait' })
  async add(@Req() { asked, params, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const trait = refuseOther(params['trait']);
    const node = await this.finder.find(params['ident']!, asked);
    if (body !== undefined && Object.keys(objectBody('traits', body)).length > 0) {
      throw new InvalidError('No body should be provided when adding a trait');
    }
    await this.conductor.updateNode(
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
    await this.conductor.updateNode(node.uuid, () => ({ traits: [] }), asked.by);
  }

  @Delete(':trait')
  @HttpCode(204)
  @Since(37)
  @Policy('baremetal:node:traits:delete')
  @Describe({ summary: 'Take a trait from a node' })
  async remove(@Req() { asked, params }: ApiRequest) {
    const trait = params['trait']!;
    const node = await this.finder.find(params['ident']!, asked);
    await this.conductor.updateNode(
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
  const { traits, ...others } = objectBody('body', body);
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw new InvalidError(
      `Schema error for body: Additional properties are not allowed ('${shorten(unknown)}' was unexpected)`,
    );
  }
  if (traits === undefined) {
    throw new InvalidError(
      'A single node trait may be added via PUT /v1/nodes/<node identifier>/traits/<trait> with no body, or all ' +
        'node traits may be replaced via PUT /v1/nodes/<node identifier>/traits with the list of traits specified ' +
        'in the request body.',
    );
  }
  if (!Array.isArray(traits)) throw new InvalidError("Schema error for body: traits is not of type 'array'");
  return traits.map(refuseOther);
}

function refuseOther(trait: unknown): string {
  if (typeof trait === 'string' && isTrait(trait)) return trait;
  const shown = typeof trait === 'string' ? `'${shorten(trait)}'` : `a ${typeof trait}`;
  throw new InvalidError(`Schema error for trait: ${shown} is not valid under any of the given schemas`);
}

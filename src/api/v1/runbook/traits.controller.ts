import { Controller, Delete, Get, HttpCode, Param, Put, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { InvalidError } from '../../../domain/errors.js';
import { isObject } from '../../../domain/json.js';
import type { Runbook } from '../../../persistence/runbook/runbook.entity.js';
import { RunbookRepository } from '../../../persistence/runbook/runbook.repository.js';
import { Policy } from '../../auth/policy.js';
import type { RuleName } from '../../auth/policy-table.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRINGS } from '../../openapi/json-schema.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { findNamed } from '../../resource/ident.js';
import { traitFault, traitList } from '../../resource/list-schema.js';

const HOW =
  'A single runbook trait may be added via PUT /v1/runbooks/<runbook identifier>/traits/<trait> with no body, or all ' +
  'runbook traits may be replaced via PUT /v1/runbooks/<runbook identifier>/traits with the list of traits specified ' +
  'in the request body.';

const TRAITS = objectOf({ traits: STRINGS });

/** Traits of a runbook: it is approved for the nodes that have one of them. */
@Controller('v1/runbooks/:ident/traits')
export class RunbookTraitsController {
  constructor(
    private readonly runbooks: RunbookRepository,
    private readonly conductor: Conductor,
  ) {}

  @Get()
  @Since(112)
  @Policy('baremetal:runbook:get')
  @Describe({ summary: 'Traits of a runbook', answer: { schema: TRAITS } })
  async list(@Req() request: ApiRequest) {
    return { traits: (await this.#find(request, 'baremetal:runbook:get')).traits };
  }

  @Put()
  @HttpCode(204)
  @Since(112)
  @Policy('baremetal:runbook:update')
  @Describe({ summary: 'Set the traits of a runbook', body: { schema: TRAITS } })
  async replace(@Req() request: ApiRequest) {
    const { uuid } = await this.#find(request);
    const { body } = request;
    if (!isObject(body) || !Array.isArray(body['traits'])) throw new InvalidError(HOW);
    const unknown = Object.keys(body).find((name) => name !== 'traits');
    if (unknown !== undefined)
      throw schemaError(`Additional properties are not allowed ('${unknown}' was unexpected)`);
    const read = traitList().safeParse(body['traits']);
    if (!read.success) throw schemaError(read.error.issues[0]!.message);
    await this.#edit(request, uuid, () => read.data ?? []);
  }

  @Put(':trait')
  @HttpCode(204)
  @Since(112)
  @Policy('baremetal:runbook:update')
  @Describe({ summary: 'Add a trait to a runbook' })
  async add(
    @Req() request: ApiRequest,
    @Param('trait') trait: string,
    @Res({ passthrough: true }) reply: ApiReply,
  ) {
    const { uuid } = await this.#find(request);
    const fault = traitFault(trait);
    if (fault !== null) throw new InvalidError(`Schema error for trait: ${fault}`);
    if (request.body !== undefined && request.body !== null) {
      throw new InvalidError('No body should be provided when adding a trait');
    }
    await this.#edit(request, uuid, (traits) => [...new Set([...traits, trait])]);
    const { asked, params } = request;
    reply.header(
      'location',
      `${asked.base}/v1/runbooks/${encodeURIComponent(params['ident']!)}/traits/${trait}`,
    );
  }

  @Delete()
  @HttpCode(204)
  @Since(112)
  @Policy('baremetal:runbook:update')
  @Describe({ summary: 'Remove the traits of a runbook' })
  async deleteAll(@Req() request: ApiRequest) {
    const { uuid } = await this.#find(request);
    await this.#edit(request, uuid, () => []);
  }

  @Delete(':trait')
  @HttpCode(204)
  @Since(112)
  @Policy('baremetal:runbook:update')
  @Describe({ summary: 'Remove a trait of a runbook' })
  async delete(@Req() request: ApiRequest, @Param('trait') trait: string) {
    const { uuid } = await this.#find(request);
    await this.#edit(request, uuid, (traits) => traits.filter((one) => one !== trait));
  }

  async #edit({ asked }: ApiRequest, uuid: string, change: (traits: string[]) => string[]): Promise<void> {
    const edit = ({ traits }: Runbook) => ({ traits: change(traits) });
    await this.conductor.records.of('runbook', this.runbooks).edit(uuid, edit, asked.by);
  }

  async #find({ asked, params }: ApiRequest, rule: RuleName = 'baremetal:runbook:update'): Promise<Runbook> {
    const row = await findNamed(this.runbooks, params['ident']!, asked);
    asked.scope.demand(rule, row);
    return row;
  }
}

function schemaError(message: string): InvalidError {
  return new InvalidError(`Schema error for body: ${message}`);
}

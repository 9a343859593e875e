import { Controller, Get, Param, Req } from '@nestjs/common';
import { diagnose } from '../../../domain/diagnosis/diagnose.js';
import { type Attempt, AttemptRepository } from '../../../persistence/operation/attempt.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import { objectOf, STRING, STRINGS, TEXT } from '../../openapi/json-schema.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { uuid } from '../../request/value.js';
import { ApiSettings } from '../../settings.js';
import { NodeFinder } from './node-finder.js';

const WHY = {
  attempt: { read: uuid, about: 'Of this attempt; default: the newest that is no power change or action' },
} as const satisfies ParameterTable;

const ANSWER = objectOf({
  attempt: TEXT,
  kind: TEXT,
  outcome: TEXT,
  step: TEXT,
  cause_id: TEXT,
  cause: STRING,
  seen: STRING,
  next: STRINGS,
  error: TEXT,
});

/** Why the last attempt ended as it did, in sentences. A Ferric extension. */
@Controller('v1/nodes/:ident/why')
export class NodeWhyController {
  constructor(
    private readonly attempts: AttemptRepository,
    private readonly finder: NodeFinder,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Since(1)
  @Policy('ferric:node:attempts')
  @Describe({
    summary: 'Why the last attempt failed: the cause, what was seen of the machine, what to do next',
    query: WHY,
    answer: { schema: ANSWER },
  })
  async show(@Req() { asked, query }: ApiRequest, @Param('ident') ident: string) {
    const given = readQuery(query, WHY, asked.version);
    const node = await this.finder.find(ident, asked);
    const attempt =
      given.attempt === undefined
        ? await this.attempts.lastWorkflow(node.uuid)
        : await this.attempts.find(node.uuid, given.attempt);
    return attempt === null ? NOTHING : this.#told(attempt);
  }

  #told(attempt: Attempt) {
    const { kind, outcome, error } = attempt;
    return {
      attempt: attempt.uuid,
      kind,
      outcome,
      ...diagnose(attempt, this.settings.hearsDhcp),
      error,
    };
  }
}

const NOTHING = {
  attempt: null,
  kind: null,
  outcome: null,
  step: null,
  cause_id: null,
  cause: 'Nothing was tried with the node yet.',
  seen: 'Nothing was seen of the machine on the network.',
  next: [],
  error: null,
};

import { Controller, Get, Param, Req } from '@nestjs/common';
import { InvalidError } from '../../../domain/errors.js';
import { canonicalUuid } from '../../../domain/node/name.js';
import { AttemptRepository } from '../../../persistence/operation/attempt.repository.js';
import { OPERATION_KINDS } from '../../../persistence/operation/operation.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { boolean, shorten, stringList } from '../../request/value.js';
import { nextPage, PAGING, pageOf, repeatable } from '../../resource/collection.js';
import { viewOf } from '../../resource/field.js';
import { ApiSettings } from '../../settings.js';
import { ATTEMPT, ATTEMPT_FIELDS } from './attempts-fields.js';
import { NodeFinder } from './node-finder.js';

const { sort_key, ...BY_TIME } = PAGING;
const LIST = {
  ...BY_TIME,
  detail: { read: boolean, about: 'Show all fields, the steps too' },
  kind: {
    read: kinds,
    about: `Only attempts of these kinds, comma-separated: ${OPERATION_KINDS.join(', ')}`,
  },
} as const satisfies ParameterTable;

/** What was tried with a node, from the journal. A Ferric extension. */
@Controller('v1/nodes/:ident/attempts')
export class NodeAttemptsController {
  constructor(
    private readonly attempts: AttemptRepository,
    private readonly finder: NodeFinder,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Since(1)
  @Policy('ferric:node:attempts')
  @Describe({
    summary: 'What was tried with a node, the newest first',
    query: LIST,
    answer: { page: ATTEMPT, key: 'attempts' },
  })
  async list(@Req() { asked, query }: ApiRequest, @Param('ident') ident: string) {
    const { kind, detail = false, ...paging } = readQuery(query, LIST, asked.version);
    const node = await this.finder.find(ident, asked);
    const page = pageOf({ sort_dir: 'desc', ...paging }, this.settings.maxLimit);
    const rows = await this.attempts.ofNode(node.uuid, page, kind ?? null);
    const view = viewOf(ATTEMPT_FIELDS, asked.version, detail ? 'whole' : 'brief');
    const attempts = rows.map((row) => view.show(row, asked));
    const last = rows.at(-1);
    if (!last || rows.length < page.limit) return { attempts };
    const path = `nodes/${encodeURIComponent(ident)}/attempts`;
    const { sort_key: ignored, ...next } = page;
    return { attempts, next: nextPage(asked.base, path, next, repeatable(query), last.uuid) };
  }

  @Get(':attempt')
  @Since(1)
  @Policy('ferric:node:attempts')
  @Describe({ summary: 'One attempt with its steps and their times', answer: { one: ATTEMPT } })
  async show(
    @Req() { asked, query }: ApiRequest,
    @Param('ident') ident: string,
    @Param('attempt') attempt: string,
  ) {
    readQuery(query, {}, asked.version);
    const node = await this.finder.find(ident, asked);
    const uuid = canonicalUuid(attempt);
    if (uuid === null) throw new InvalidError(`Expected a UUID but received ${shorten(attempt)}.`);
    return viewOf(ATTEMPT_FIELDS, asked.version, 'whole').show(
      await this.attempts.find(node.uuid, uuid),
      asked,
    );
  }
}

function kinds(name: string, value: string): string[] {
  const given = stringList(name, value);
  const unknown = given.find((kind) => !(OPERATION_KINDS as readonly string[]).includes(kind));
  if (unknown === undefined) return given;
  throw new InvalidError(`${name} is not "${shorten(unknown)}" but of: ${OPERATION_KINDS.join(', ')}`);
}

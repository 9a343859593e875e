import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import { RunbookRepository } from '../../../persistence/runbook/runbook.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since, SinceElse } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import type { ParameterTable } from '../../request/query.js';
import { boolean } from '../../request/value.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { findNamed, namedMarker } from '../../resource/ident.js';
import { answerListing, listingOf, readListing } from '../../resource/listing.js';
import { ApiSettings } from '../../settings.js';
import { RUNBOOK, RUNBOOK_FIELDS } from './fields.js';
import { RunbookEditor } from './runbook-editor.js';

const RUNBOOK_FILTERS = {
  ...namedMarker,
  project: { read: boolean, about: 'Runbooks of the requester’s project, and public ones' },
} as const satisfies ParameterTable;

@Controller('v1/runbooks')
export class RunbookController {
  constructor(
    private readonly runbooks: RunbookRepository,
    private readonly editor: RunbookEditor,
    private readonly conductor: Conductor,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @Since(92)
  @Policy('baremetal:runbook:list_all')
  @Describe({
    summary: 'Runbooks',
    query: listingOf(RUNBOOK_FILTERS),
    answer: { page: RUNBOOK, key: 'runbooks' },
  })
  async list(@Req() request: ApiRequest) {
    const of = { fields: RUNBOOK_FIELDS, filters: RUNBOOK_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit);
    const { scope } = request.asked;
    const project = scope.confine() ?? (listing.given.project ? scope.project : null);
    const rows = await this.runbooks.list(project, listing.page, listing.columns);
    return answerListing('runbooks', 'runbooks', listing, rows);
  }

  @Post()
  @SinceElse(92, 405)
  @Policy('baremetal:runbook:create')
  @Describe({ summary: 'Create a runbook', body: { creates: RUNBOOK }, answer: { one: RUNBOOK } })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    return created(reply, 'runbooks', RUNBOOK_FIELDS, await this.editor.create(body, asked), asked);
  }

  @Get(':ident')
  @Since(92)
  @Policy('baremetal:runbook:get')
  @Describe({ summary: 'A runbook', query: SHOW, answer: { part: RUNBOOK } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, RUNBOOK_FIELDS);
    const row = await this.#find(request);
    request.asked.scope.demand('baremetal:runbook:get', row, row.public);
    return view.show(row, request.asked);
  }

  @Patch(':ident')
  @SinceElse(92, 405)
  @Policy('baremetal:runbook:update')
  @Describe({ summary: 'Change a runbook', body: { patches: RUNBOOK }, answer: { one: RUNBOOK } })
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    return whole(RUNBOOK_FIELDS, await this.editor.patch(await this.#find(request), body, asked), asked);
  }

  @Delete(':ident')
  @HttpCode(204)
  @SinceElse(92, 405)
  @Policy('baremetal:runbook:delete')
  @Describe({ summary: 'Delete a runbook' })
  async delete(@Req() request: ApiRequest) {
    const row = await this.#find(request);
    request.asked.scope.demand('baremetal:runbook:delete', row);
    await this.conductor.records.of('runbook', this.runbooks).delete(row.uuid, request.asked.by);
  }

  #find({ asked, params }: ApiRequest) {
    return findNamed(this.runbooks, params['ident']!, asked);
  }
}

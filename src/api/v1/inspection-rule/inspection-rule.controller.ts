import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { InspectionRule } from '../../../persistence/inspection-rule/inspection-rule.entity.js';
import { InspectionRuleRepository } from '../../../persistence/inspection-rule/inspection-rule.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since, SinceElse } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import type { ParameterTable } from '../../request/query.js';
import { text, uuid } from '../../request/value.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { answerListing, listingOf, readListing } from '../../resource/listing.js';
import { ApiSettings } from '../../settings.js';
import { RULE, RULE_FIELDS } from './fields.js';
import { InspectionRuleEditor } from './rule-editor.js';

const RULE_FILTERS = {
  phase: { read: text, about: 'Rules of this phase of the inspection' },
} as const satisfies ParameterTable;

/** Inspection rules. Their links lead to the rules; Ironic's name a path that it does not serve. */
@Controller('v1/inspection_rules')
export class InspectionRuleController {
  constructor(
    private readonly rules: InspectionRuleRepository,
    private readonly editor: InspectionRuleEditor,
    private readonly settings: ApiSettings,
    private readonly conductor: Conductor,
  ) {}

  @Get()
  @Since(96)
  @Policy('baremetal:inspection_rule:get')
  @Describe({
    summary: 'Inspection rules',
    query: listingOf(RULE_FILTERS),
    answer: { page: RULE, key: 'inspection_rules' },
  })
  async list(@Req() request: ApiRequest) {
    const of = { fields: RULE_FIELDS, filters: RULE_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit);
    const rows = await this.rules.list(listing.given.phase ?? null, listing.page, listing.columns);
    return answerListing('inspection_rules', 'inspection_rules', listing, rows);
  }

  @Post()
  @SinceElse(96, 405)
  @Policy('baremetal:inspection_rule:create')
  @Describe({ summary: 'Create an inspection rule', body: { creates: RULE }, answer: { one: RULE } })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const row = await this.editor.create(body, asked);
    return created(reply, 'inspection_rules', RULE_FIELDS, row, asked);
  }

  @Delete()
  @HttpCode(204)
  @SinceElse(96, 405)
  @Policy('baremetal:inspection_rule:delete')
  @Describe({ summary: 'Delete all inspection rules' })
  async deleteAll(@Req() { asked }: ApiRequest) {
    const records = this.conductor.records.of('inspection_rule', this.rules);
    await records.deleteAll((on) => this.rules.deleteAll(on), asked.by);
  }

  @Get(':uuid')
  @Since(96)
  @Policy('baremetal:inspection_rule:get')
  @Describe({ summary: 'An inspection rule', query: SHOW, answer: { part: RULE } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, RULE_FIELDS);
    return view.show(await this.#find(request), request.asked);
  }

  @Patch(':uuid')
  @SinceElse(96, 405)
  @Policy('baremetal:inspection_rule:update')
  @Describe({ summary: 'Change an inspection rule', body: { patches: RULE }, answer: { one: RULE } })
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    return whole(RULE_FIELDS, await this.editor.patch(await this.#find(request), body, asked), asked);
  }

  @Delete(':uuid')
  @HttpCode(204)
  @SinceElse(96, 405)
  @Policy('baremetal:inspection_rule:delete')
  @Describe({ summary: 'Delete an inspection rule' })
  async delete(@Req() request: ApiRequest) {
    const { uuid } = await this.#find(request);
    await this.conductor.records.of('inspection_rule', this.rules).delete(uuid, request.asked.by);
  }

  #find({ params }: ApiRequest): Promise<InspectionRule> {
    return this.rules.get(uuid('inspection_rule_uuid', params['uuid']!));
  }
}

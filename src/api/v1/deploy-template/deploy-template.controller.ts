import { randomUUID } from 'node:crypto';
import { Controller, Delete, Get, HttpCode, Patch, Post, Req, Res } from '@nestjs/common';
import { Conductor } from '../../../conductor/service/conductor.js';
import type { DeployTemplate } from '../../../persistence/deploy-template/deploy-template.entity.js';
import { DeployTemplateRepository } from '../../../persistence/deploy-template/deploy-template.repository.js';
import { Policy } from '../../auth/policy.js';
import { Since, SinceElse } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiReply, ApiRequest } from '../../request/asked.js';
import { created, readShow, SHOW, whole } from '../../resource/answer.js';
import { findNamed, namedMarker } from '../../resource/ident.js';
import { refuseSteps } from '../../resource/kept-steps.js';
import { answerListing, listingOf, readListing } from '../../resource/listing.js';
import { readCreation, readEdit } from '../../resource/write.js';
import { ApiSettings } from '../../settings.js';
import { TEMPLATE, TEMPLATE_FIELDS } from './fields.js';

const TEMPLATE_FILTERS = { ...namedMarker };

@Controller('v1/deploy_templates')
export class DeployTemplateController {
  constructor(
    private readonly templates: DeployTemplateRepository,
    private readonly settings: ApiSettings,
    private readonly conductor: Conductor,
  ) {}

  @Get()
  @Since(55)
  @Policy('baremetal:deploy_template:get')
  @Describe({
    summary: 'Deploy templates',
    query: listingOf(TEMPLATE_FILTERS),
    answer: { page: TEMPLATE, key: 'deploy_templates' },
  })
  async list(@Req() request: ApiRequest) {
    const of = { fields: TEMPLATE_FIELDS, filters: TEMPLATE_FILTERS };
    const listing = readListing(request, of, this.settings.maxLimit);
    const rows = await this.templates.list(listing.page, listing.columns);
    return answerListing('deploy_templates', 'deploy_templates', listing, rows);
  }

  @Post()
  @SinceElse(55, 405)
  @Policy('baremetal:deploy_template:create')
  @Describe({ summary: 'Create a deploy template', body: { creates: TEMPLATE }, answer: { one: TEMPLATE } })
  async create(@Req() { asked, body }: ApiRequest, @Res({ passthrough: true }) reply: ApiReply) {
    const values = readCreation('template', TEMPLATE_FIELDS, body, asked.version);
    refuseSteps(this.conductor, values.steps);
    const given = { ...values, uuid: values.uuid ?? randomUUID() };
    const row = await this.conductor.records.of('deploy_template', this.templates).create(given, asked.by);
    return created(reply, 'deploy_templates', TEMPLATE_FIELDS, row, asked);
  }

  @Get(':ident')
  @Since(55)
  @Policy('baremetal:deploy_template:get')
  @Describe({ summary: 'A deploy template', query: SHOW, answer: { part: TEMPLATE } })
  async show(@Req() request: ApiRequest) {
    const view = readShow(request, TEMPLATE_FIELDS);
    return view.show(await this.#find(request), request.asked);
  }

  @Patch(':ident')
  @SinceElse(55, 405)
  @Policy('baremetal:deploy_template:update')
  @Describe({ summary: 'Change a deploy template', body: { patches: TEMPLATE }, answer: { one: TEMPLATE } })
  async update(@Req() request: ApiRequest) {
    const { asked, body } = request;
    const edit = readEdit(TEMPLATE_FIELDS, body, asked.version);
    const found = await this.#find(request);
    const change = (template: DeployTemplate) => {
      const { changes } = edit.apply(template);
      if (changes.steps) refuseSteps(this.conductor, changes.steps);
      return changes;
    };
    const row = await this.conductor.records
      .of('deploy_template', this.templates)
      .edit(found.uuid, change, asked.by);
    return whole(TEMPLATE_FIELDS, row, asked);
  }

  @Delete(':ident')
  @HttpCode(204)
  @SinceElse(55, 405)
  @Policy('baremetal:deploy_template:delete')
  @Describe({ summary: 'Delete a deploy template' })
  async delete(@Req() request: ApiRequest) {
    const { uuid } = await this.#find(request);
    await this.conductor.records.of('deploy_template', this.templates).delete(uuid, request.asked.by);
  }

  #find({ asked, params }: ApiRequest) {
    return findNamed(this.templates, params['ident']!, asked);
  }
}

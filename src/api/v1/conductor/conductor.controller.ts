import { Controller, Get, Req } from '@nestjs/common';
import { NotFoundError } from '../../../domain/errors.js';
import {
  ConductorRecordRepository,
  type ConductorStatus,
} from '../../../persistence/conductor-record/conductor-record.repository.js';
import { Policy } from '../../auth/policy.js';
import { SinceBehindPolicy } from '../../microversion/since.js';
import { Describe } from '../../openapi/describe.js';
import type { ApiRequest } from '../../request/asked.js';
import { type ParameterTable, readQuery } from '../../request/query.js';
import { shorten, text } from '../../request/value.js';
import { nextPage, PAGING, pageOf, repeatable, SELECTING, selectionOf } from '../../resource/collection.js';
import { checkSortKey, viewOf } from '../../resource/field.js';
import { ApiSettings } from '../../settings.js';
import { CONDUCTOR, CONDUCTOR_FIELDS } from './fields.js';

const SHOW = { fields: SELECTING.fields } as const satisfies ParameterTable;
export const CONDUCTOR_LIST = {
  ...PAGING,
  ...SELECTING,
  marker: { read: text, about: 'Host name of the last item of the page before' },
} as const satisfies ParameterTable;

@Controller('v1/conductors')
export class ConductorController {
  constructor(
    private readonly conductors: ConductorRecordRepository,
    private readonly settings: ApiSettings,
  ) {}

  @Get()
  @SinceBehindPolicy(49)
  @Policy('baremetal:conductor:get')
  @Describe({ summary: 'Conductors', query: CONDUCTOR_LIST, answer: { page: CONDUCTOR, key: 'conductors' } })
  async list(@Req() { asked, query }: ApiRequest) {
    const given = readQuery(query, CONDUCTOR_LIST, asked.version);
    const selection = selectionOf(given, asked.version);
    const view = viewOf(CONDUCTOR_FIELDS, asked.version, selection);
    const page = pageOf(given, this.settings.maxLimit);
    checkSortKey(CONDUCTOR_FIELDS, asked.version, page.sort_key);
    const all = sorted(await this.conductors.list(this.settings.conductorTimeout), page);
    const at = page.marker === undefined ? -1 : all.findIndex((row) => row.hostname === page.marker);
    if (page.marker !== undefined && at < 0) throw notFound(page.marker);
    const rows = all.slice(at + 1, at + 1 + page.limit);
    const conductors = rows.map((row) => view.show(row, asked));
    const last = rows.at(-1);
    if (!last || rows.length < page.limit) return { conductors };
    const next = nextPage(asked.base, 'conductors', page, repeatable(query), last.hostname);
    return { conductors, next };
  }

  @Get(':hostname')
  @SinceBehindPolicy(49)
  @Policy('baremetal:conductor:get')
  @Describe({ summary: 'A conductor', query: SHOW, answer: { part: CONDUCTOR } })
  async show(@Req() { asked, params, query }: ApiRequest) {
    const { fields } = readQuery(query, SHOW, asked.version);
    const view = viewOf(CONDUCTOR_FIELDS, asked.version, fields ?? 'whole');
    const hostname = params['hostname']!;
    const row = await this.conductors.find(hostname, this.settings.conductorTimeout);
    if (!row) throw notFound(hostname);
    return view.show(row, asked);
  }
}

/** Conductors are few: they are sorted here, not by the database. */
function sorted(
  rows: ConductorStatus[],
  page: { sort_key: string; sort_dir: 'asc' | 'desc' },
): ConductorStatus[] {
  const key = page.sort_key as keyof ConductorStatus;
  const sign = page.sort_dir === 'asc' ? 1 : -1;
  return rows.toSorted((a, b) => sign * (a[key]! < b[key]! ? -1 : a[key]! > b[key]! ? 1 : a.id - b.id));
}

function notFound(hostname: string): NotFoundError {
  return new NotFoundError(`Conductor ${shorten(hostname)} could not be found.`);
}

import { describe, expect, it } from 'vitest';
import { Microversion } from '../../../../src/api/microversion/microversion.js';
import type { ApiRequest } from '../../../../src/api/request/asked.js';
import { text } from '../../../../src/api/request/value.js';
import { fieldsOf } from '../../../../src/api/resource/fields-of.js';
import { answerListing, readListing } from '../../../../src/api/resource/listing.js';

interface Thing {
  uuid: string;
  name: string;
  extra: object;
}
const { shown, json, links } = fieldsOf<Thing>();
const fields = [
  shown('uuid', 1, { brief: true }),
  shown('name', 5, { brief: true }),
  json('extra', 1),
  links('things', 1),
];
const of = { fields, filters: { name: { since: 5, read: text } } };
const thing = { uuid: 'u', name: 'n', extra: {} };
const request = (query: Record<string, string>, minor = 115) =>
  ({ query, asked: { version: new Microversion(minor), base: 'http://h' } }) as unknown as ApiRequest;

describe('a listing', () => {
  it('is brief, whole or of chosen fields, and reads what it shows', () => {
    const columns = (query: Record<string, string>, whole = false) =>
      readListing(request(query), of, 10, whole).columns.toSorted();
    expect(columns({})).toEqual(['name', 'uuid']);
    expect(columns({ detail: 'true' })).toEqual(['extra', 'name', 'uuid']);
    expect(columns({}, true)).toEqual(['extra', 'name', 'uuid']);
    expect(columns({ fields: 'extra' })).toEqual(['extra', 'uuid']);
    expect(() => columns({ fields: 'extra' }, true)).toThrow('Unexpected arguments: fields');
  });
  it('knows filters and sort keys from their version on', () => {
    expect(readListing(request({ name: 'n' }), of, 10).given).toEqual({ name: 'n' });
    expect(() => readListing(request({ name: 'n' }, 4), of, 10)).toThrow('should be 1.5');
    expect(() => readListing(request({ sort_key: 'name' }, 4), of, 10)).toThrow('not acceptable');
    expect(() => readListing(request({ sort_key: 'extra' }), of, 10)).toThrow('invalid field for sorting');
  });
  it('names its next page when it is full', () => {
    const answer = (limit: string) =>
      answerListing('things', 'things', readListing(request({ limit, name: 'n' }), of, 10), [thing]);
    const shown = {
      uuid: 'u',
      name: 'n',
      links: [
        { href: 'http://h/v1/things/u', rel: 'self' },
        { href: 'http://h/things/u', rel: 'bookmark' },
      ],
    };
    expect(answer('2')).toEqual({ things: [shown] });
    expect(answer('1')).toEqual({
      things: [shown],
      next: 'http://h/v1/things?sort_key=id&sort_dir=asc&name=n&limit=1&marker=u',
    });
  });
});

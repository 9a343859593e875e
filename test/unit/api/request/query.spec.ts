import { describe, expect, it } from 'vitest';
import { Microversion } from '../../../../src/api/microversion/microversion.js';
import { parseQuery, readQuery } from '../../../../src/api/request/query.js';
import { boolean, integer, macAddress, stringList, text, uuid } from '../../../../src/api/request/value.js';

const table = {
  limit: { read: integer },
  associated: { read: boolean },
  fields: { since: 8, read: stringList },
  node: { read: uuid },
  address: { read: macAddress },
  driver: { since: 16, read: text },
} as const;
const read = (query: string, minor = 115) => readQuery(parseQuery(query), table, new Microversion(minor));

describe('readQuery', () => {
  it('reads by the table', () => {
    expect(
      read('limit=10&associated=True&fields=UUID, name,,uuid&address=AA:BB:CC:00:11:22&driver=a%20b'),
    ).toEqual({
      limit: 10,
      associated: true,
      fields: ['uuid', 'name'],
      address: 'aa:bb:cc:00:11:22',
      driver: 'a b',
    });
    expect(read('node=7daa1a92c3d74addaaed66fcbba58912')).toEqual({
      node: '7daa1a92-c3d7-4add-aaed-66fcbba58912',
    });
    expect(read('')).toEqual({});
  });
  it('takes a list that is given in parts for one', () => {
    expect(read('fields=uuid&fields=name,driver&fields=uuid')).toEqual({
      fields: ['uuid', 'name', 'driver'],
    });
    expect(() => read('fields=a&fields=%00')).toThrow('fields holds a NUL');
    const many = Array.from({ length: 300 }, (_, i) => `fields=${i}`).join('&');
    expect(() => read(many)).toThrow('Too many values for fields');
    expect(() => read('fields=a&fields=b', 7)).toThrow('not acceptable');
  });
  it.each([
    ['nosuch=1', 'Unexpected arguments: nosuch'],
    ['limit=abc', 'Expected an integer for limit: abc'],
    ['limit=1e309', 'Expected an integer for limit: 1e309'],
    ['limit=', 'Expected an integer for limit: '],
    ['limit=1&limit=2', 'The parameter limit was given more than once.'],
    [
      'associated=maybe',
      "Invalid associated: Unrecognized value 'maybe', acceptable values are: '0', '1', 'f'",
    ],
    ['node=x', 'Expected UUID for node: x'],
    ['address=x', 'Expected valid MAC address for address: x'],
    ['driver=a%00b', 'driver holds a NUL'],
    ['driver=%FF', 'The parameter driver is not UTF-8'],
    [`fields=${Array.from({ length: 100_000 }, (_, i) => i).join(',')}`, 'Too many values for fields'],
    [Array.from({ length: 100 }, (_, i) => `p${i}=1`).join('&'), 'Too many query parameters'],
    ['__proto__=1', 'Unexpected arguments: __proto__'],
    ['constructor=1', 'Unexpected arguments: constructor'],
  ])('refuses %.40s', (query, message) => {
    expect(() => read(query)).toThrow(message);
  });
  it('knows each parameter from its version on', () => {
    expect(() => read('driver=x', 15)).toThrow('The minimal required API version should be 1.16');
    expect(read('driver=x', 16)).toEqual({ driver: 'x' });
  });
});

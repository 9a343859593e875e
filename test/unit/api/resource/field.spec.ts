import { describe, expect, it } from 'vitest';
import { everyVersion, Microversion } from '../../../../src/api/microversion/microversion.js';
import { nextPage, pageOf, selectionOf } from '../../../../src/api/resource/collection.js';
import { checkSortKey, timestamp, viewOf } from '../../../../src/api/resource/field.js';
import { NODE_FIELDS, type NodeReading } from '../../../../src/api/v1/node/fields.js';
import { nodeFilterOf } from '../../../../src/api/v1/node/filters.js';
import { Node } from '../../../../src/persistence/node/node.entity.js';

const at = (minor: number) => new Microversion(minor);
const node = Object.assign(new Node(), {
  uuid: '7daa1a92-c3d7-4add-aaed-66fcbba58912',
  provision_state: 'available',
  reservation: 'host',
  reservation_expires_at: new Date(1000),
  created_at: new Date('2026-11-20T22:37:21.451Z'),
  updated_at: null,
  provision_updated_at: null,
  inspection_started_at: null,
  inspection_finished_at: null,
});
const reading = (version: Microversion, now = 0): NodeReading => ({
  version,
  base: 'http://h',
  steps: new Map(),
  now,
});

describe('viewOf', () => {
  it('shows each field from its version on, in every version', () => {
    for (const version of everyVersion()) {
      const shown = Object.keys(viewOf(NODE_FIELDS, version, 'whole').show(node, reading(version)));
      expect(shown).toEqual(NODE_FIELDS.filter((field) => version.has(field.since)).map(({ name }) => name));
    }
  });
  it('shows six fields and links in a listing', () => {
    const names = (minor: number) =>
      Object.keys(viewOf(NODE_FIELDS, at(minor), 'brief').show(node, reading(at(minor))));
    expect(names(1)).toEqual([
      'uuid',
      'instance_uuid',
      'maintenance',
      'power_state',
      'provision_state',
      'links',
    ]);
    expect(names(5)).toContain('name');
    expect(names(115)).toHaveLength(7);
  });
  it('reads the columns it shows and no others', () => {
    expect(viewOf(NODE_FIELDS, at(115), ['provision_state', 'reservation']).columns.toSorted()).toEqual([
      'provision_state',
      'reservation',
      'reservation_expires_at',
      'uuid',
    ]);
  });
  it('refuses fields that are unknown or too new; no fields leave the links', () => {
    expect(() => viewOf(NODE_FIELDS, at(115), ['nosuch'])).toThrow('Field(s) "nosuch" are not valid');
    expect(viewOf(NODE_FIELDS, at(115), []).columns).toEqual(['uuid']); // the links
    expect(() => viewOf(NODE_FIELDS, at(115), ['states'])).toThrow('Field states is not a valid field.');
    expect(() => viewOf(NODE_FIELDS, at(115), ['driver_info_sealed'])).toThrow('are not valid');
    expect(() => viewOf(NODE_FIELDS, at(81), ['shard'])).toThrow('Request not acceptable.');
    expect(() => viewOf(NODE_FIELDS, at(82), ['shard'])).not.toThrow();
  });
  it('gives states older names in older versions', () => {
    const state = (provision_state: string, minor: number) =>
      viewOf(NODE_FIELDS, at(minor), ['provision_state']).show(
        Object.assign(new Node(), node, { provision_state }),
        reading(at(minor)),
      )['provision_state'];
    expect([state('available', 1), state('available', 2)]).toEqual([null, 'available']);
    expect([state('inspect wait', 38), state('inspect wait', 39)]).toEqual(['inspecting', 'inspect wait']);
  });
  it('shows a reservation while it lasts', () => {
    const view = viewOf(NODE_FIELDS, at(115), ['reservation']);
    expect(view.show(node, reading(at(115), 999))['reservation']).toBe('host');
    expect(view.show(node, reading(at(115), 1000))['reservation']).toBeNull();
  });
});

describe('paging', () => {
  it('sorts by plain columns only', () => {
    for (const key of ['id', 'name', 'created_at', 'provision_state'])
      checkSortKey(NODE_FIELDS, at(115), key);
    for (const key of ['properties', 'driver_info', 'traits', 'extra', 'clean_step', 'ports']) {
      expect(() => checkSortKey(NODE_FIELDS, at(115), key)).toThrow(`value ${key} is an invalid`);
    }
    for (const key of ['nosuch', 'links']) {
      expect(() => checkSortKey(NODE_FIELDS, at(115), key)).toThrow(`value "${key}" is an invalid`);
    }
    expect(() => checkSortKey(NODE_FIELDS, at(115), 'driver_info_sealed')).toThrow('is an invalid');
    expect(() => checkSortKey(NODE_FIELDS, at(81), 'shard')).toThrow('Request not acceptable');
  });
  it('caps the limit', () => {
    expect(pageOf({}, 1000)).toEqual({ limit: 1000, sort_key: 'id', sort_dir: 'asc' });
    expect(pageOf({ limit: 5000 }, 1000).limit).toBe(1000);
    for (const limit of [0, -1]) expect(() => pageOf({ limit }, 1000)).toThrow('Limit must be positive');
    expect(() => pageOf({ sort_dir: 'up' }, 1000)).toThrow('Invalid sort direction: up');
  });
  it('selects', () => {
    expect(selectionOf({}, at(1))).toBe('brief');
    expect(selectionOf({ detail: true }, at(43))).toBe('whole');
    expect(selectionOf({ detail: false }, at(43))).toBe('brief');
    expect(() => selectionOf({ detail: true }, at(42))).toThrow(
      'Invalid query parameter ?detail=True received.',
    );
    expect(() => selectionOf({ detail: true, fields: ['uuid'] }, at(115))).toThrow(
      'Can not specify ?detail=True',
    );
  });
  it('repeats the query in `next`', () => {
    const page = pageOf({ limit: 1 }, 1000);
    expect(nextPage('http://h', 'nodes', page, { fields: 'uuid,name', driver: 'a&b' }, 'm')).toBe(
      'http://h/v1/nodes?sort_key=id&sort_dir=asc&fields=uuid,name&driver=a%26b&limit=1&marker=m',
    );
  });
  it('prints times as Python does', () => {
    expect(timestamp(node.created_at)).toBe('2026-11-20T22:37:21.451000+00:00');
    expect(timestamp(null)).toBeNull();
  });
});

describe('nodeFilterOf', () => {
  it('lists nobody’s children unless told otherwise', () => {
    expect(nodeFilterOf({})).toEqual({ parent_node: null });
    expect(nodeFilterOf({ include_children: true })).toEqual({});
    expect(nodeFilterOf({ parent_node: node.uuid })).toEqual({ parent_node: node.uuid });
    expect(nodeFilterOf({ parent_node: 'a name' })).toBeNull();
    expect(nodeFilterOf({ shard: ['a'], driver: 'x' })).toEqual({
      shards: ['a'],
      driver: 'x',
      parent_node: null,
    });
  });
});

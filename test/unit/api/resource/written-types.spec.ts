import { expect, expectTypeOf, it } from 'vitest';
import { Microversion } from '../../../../src/api/microversion/microversion.js';
import { fieldsOf, written } from '../../../../src/api/resource/fields-of.js';
import { object, requiredText, text, uuid } from '../../../../src/api/resource/schema.js';
import type { Created, Patched } from '../../../../src/api/resource/write.js';
import { readCreation, readEdit } from '../../../../src/api/resource/write.js';
import { ALLOCATION_FIELDS } from '../../../../src/api/v1/allocation/fields.js';
import { NODE_FIELDS } from '../../../../src/api/v1/node/fields.js';
import { PORT_FIELDS } from '../../../../src/api/v1/port/fields.js';

interface Thing {
  uuid: string;
  name: string;
  note: string | null;
  extra: Record<string, unknown>;
}

const { shown, json } = fieldsOf<Thing>();
const FIELDS = [
  shown('uuid', 1, written(uuid(), null, { patch: false })),
  shown('name', 1, written(requiredText(), null, { required: true })),
  shown('note', 1, written(text(), null, { create: false })),
  json('extra', 1, written(object(), {})),
] as const;
const version = new Microversion(1);

it('a body has the types of its fields, and no other', () => {
  const values = readCreation('thing', FIELDS, { name: 'n', extra: null }, version);
  expect(values).toEqual({ name: 'n', extra: {} });
  expectTypeOf(values.name).toEqualTypeOf<string>();
  expectTypeOf(values.uuid).toEqualTypeOf<string | null | undefined>();
  // @ts-expect-error an object, not a text
  const extra: string | undefined = values.extra;
  expect(extra).toEqual({});
  // @ts-expect-error a typo
  expect(values.nmae).toBeUndefined();
  // @ts-expect-error POST does not write it
  expect(values.note).toBeUndefined();
});

it('a patch has the types of its fields, and no other', () => {
  const edit = readEdit(FIELDS, [{ op: 'replace', path: '/note', value: 'x' }], version);
  const { document, changes } = edit.apply({ name: 'n', note: null, extra: {} });
  expect(changes).toEqual({ note: 'x' });
  expectTypeOf(document.note).toEqualTypeOf<string | null>();
  expectTypeOf(changes.name).toEqualTypeOf<string | undefined>();
  // @ts-expect-error PATCH does not write it
  expect(changes.uuid).toBeUndefined();
  // @ts-expect-error a typo
  expect(document.nte).toBeUndefined();
});

it('a row names a column of its record', () => {
  // @ts-expect-error a typo
  expect(shown('nmae', 1).name).toBe('nmae');
});

it('the tables of the resources keep the names and types of their rows', () => {
  type Node = Created<typeof NODE_FIELDS>;
  expectTypeOf<Node['driver']>().toEqualTypeOf<string>();
  expectTypeOf<Node['deploy_interface']>().toEqualTypeOf<string | null | undefined>();
  expectTypeOf<Patched<typeof NODE_FIELDS>['protected']>().toEqualTypeOf<boolean>();
  expectTypeOf<keyof Node>().extract<'protected' | 'provision_state'>().toBeNever();
  expectTypeOf<keyof Patched<typeof ALLOCATION_FIELDS>>().toEqualTypeOf<'name' | 'extra'>();
  expectTypeOf<Created<typeof PORT_FIELDS>['address']>().toEqualTypeOf<string>();
});

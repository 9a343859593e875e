import { expect, it } from 'vitest';
import { Microversion } from '../../../src/api/microversion/microversion.js';
import type { Field } from '../../../src/api/resource/field.js';
import { fieldsOf, written } from '../../../src/api/resource/fields-of.js';
import { text } from '../../../src/api/resource/schema.js';
import { readCreation } from '../../../src/api/resource/write.js';
import { CHASSIS_FIELDS } from '../../../src/api/v1/chassis/fields.js';
import type { Chassis } from '../../../src/persistence/chassis/chassis.entity.js';

const { shown } = fieldsOf<Chassis>();

it('gives what a client wrote under the names and with the types of the table', () => {
  const values = readCreation('chassis', CHASSIS_FIELDS, { description: 'rack' }, Microversion.newest);
  const description: string | null | undefined = values.description;
  expect(description).toBe('rack');
  // @ts-expect-error no such field
  expect(values.descripton).toBeUndefined();
  // @ts-expect-error shown, and not to be written
  expect(values.created_at).toBeUndefined();
  // @ts-expect-error an object, not a text
  const extra: string | undefined = values.extra;
  expect(extra).toBeUndefined();
});

it('compiles no row of a column that the record does not have', () => {
  // @ts-expect-error no such column
  const field: Field<Chassis> = shown('descripton', 1, written(text(), null));
  expect(field.name).toBe('descripton');
});

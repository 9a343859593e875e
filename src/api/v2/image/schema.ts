import type { JsonSchema } from '../../openapi/json-schema.js';
import { ATTRIBUTES, UUID } from './attribute.js';

/** Without `stores`: the glance client makes an option of each property, and already has that one. */
export const IMAGE_SCHEMA: JsonSchema = {
  name: 'image',
  properties: Object.fromEntries(ATTRIBUTES.map(({ name, schema }) => [name, schema])),
  additionalProperties: { type: 'string' },
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'enclosure', href: '{file}' },
    { rel: 'describedby', href: '{schema}' },
  ],
};

const MEMBER_SCHEMA: JsonSchema = {
  name: 'member',
  properties: {
    created_at: { type: 'string', description: 'Date and time of image member creation' },
    image_id: { type: 'string', description: 'An identifier for the image', pattern: UUID },
    member_id: { type: 'string', description: 'An identifier for the image member (tenantId)' },
    status: {
      type: 'string',
      description: 'The status of this image member',
      enum: ['pending', 'accepted', 'rejected'],
    },
    updated_at: { type: 'string', description: 'Date and time of last modification of image member' },
    schema: { readOnly: true, type: 'string' },
  },
};

/** The schema of a page of items. */
function collection(name: string, item: JsonSchema, links: readonly JsonSchema[]): JsonSchema {
  return {
    name,
    properties: {
      [name]: { type: 'array', items: item },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links,
  };
}

export const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  image: IMAGE_SCHEMA,
  images: collection('images', IMAGE_SCHEMA, [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ]),
  member: MEMBER_SCHEMA,
  members: {
    name: 'members',
    properties: { members: { type: 'array', items: MEMBER_SCHEMA }, schema: { type: 'string' } },
    links: [{ rel: 'describedby', href: '{schema}' }],
  },
};

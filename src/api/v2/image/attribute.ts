// The base attributes of an image, as data: the schema, the writable attributes and the answers derive from it. Source
// and order: glance/api/v2/images.py, get_base_properties.
import type { JsonSchema } from '../../openapi/json-schema.js';

export const CONTAINER_FORMATS = ['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'];
export const DISK_FORMATS = [
  ...['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
];
export const VISIBILITIES = ['community', 'public', 'private', 'shared'];
const STATUSES = [
  ...['queued', 'saving', 'active', 'killed', 'deleted', 'uploading', 'importing', 'pending_delete'],
  'deactivated',
];
export const UUID = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';

export interface Attribute {
  readonly name: string;
  readonly schema: JsonSchema;
  /** `written`: a client may set it; `made`: only at creation; `told`: never. */
  readonly is: 'written' | 'made' | 'told';
}

const text = (most: number) => ({ type: ['null', 'string'], maxLength: most });
const written = (name: string, description: string, schema: JsonSchema): Attribute => ({
  name,
  schema: { ...schema, description },
  is: 'written',
});
const told = (name: string, description: string, schema: JsonSchema): Attribute => ({
  name,
  schema: { ...schema, readOnly: true, description },
  is: 'told',
});

export const ATTRIBUTES: readonly Attribute[] = [
  {
    name: 'id',
    schema: { type: 'string', description: 'An identifier for the image', pattern: UUID },
    is: 'made',
  },
  written('name', 'Descriptive name for the image', text(255)),
  told('status', 'Status of the image', { type: 'string', enum: STATUSES }),
  written('visibility', 'Scope of image accessibility', { type: 'string', enum: VISIBILITIES }),
  written('protected', 'If true, image will not be deletable.', { type: 'boolean' }),
  written('os_hidden', 'If true, image will not appear in default image list response.', {
    type: 'boolean',
  }),
  told('checksum', 'md5 hash of image contents.', text(32)),
  told('os_hash_algo', 'Algorithm to calculate the os_hash_value', text(64)),
  told(
    'os_hash_value',
    'Hexdigest of the image contents using the algorithm specified by the os_hash_algo',
    text(128),
  ),
  written('owner', 'Owner of the image', text(255)),
  told('size', 'Size of image file in bytes', { type: ['null', 'integer'] }),
  told('virtual_size', 'Virtual size of image in bytes', { type: ['null', 'integer'] }),
  written('container_format', 'Format of the container', {
    type: ['null', 'string'],
    enum: [null, ...CONTAINER_FORMATS],
  }),
  written('disk_format', 'Format of the disk', { type: ['null', 'string'], enum: [null, ...DISK_FORMATS] }),
  told('created_at', 'Date and time of image registration', { type: 'string' }),
  told('updated_at', 'Date and time of the last image modification', { type: 'string' }),
  written('tags', 'List of strings related to the image', {
    type: 'array',
    items: { type: 'string', maxLength: 255 },
  }),
  told('direct_url', 'URL to access the image file kept in external store', { type: 'string' }),
  written('min_ram', 'Amount of ram (in MB) required to boot image.', { type: 'integer' }),
  written('min_disk', 'Amount of disk space (in GB) required to boot image.', { type: 'integer' }),
  told('self', 'An image self url', { type: 'string' }),
  told('file', 'An image file url', { type: 'string' }),
  told('schema', 'An image schema url', { type: 'string' }),
];

const BY_NAME = new Map(ATTRIBUTES.map((attribute) => [attribute.name, attribute]));

export function attributeOf(name: string): Attribute | undefined {
  return BY_NAME.get(name);
}

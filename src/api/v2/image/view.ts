import type { ImageMember, ImageRecord } from '../../../persistence/image-record/image-record.entity.js';

/** An image in Glance's form: properties beside the base attributes; hrefs are paths. */
export function imageView(image: ImageRecord): Record<string, unknown> {
  const { uuid } = image;
  return {
    ...image.properties,
    name: image.name,
    disk_format: image.disk_format,
    container_format: image.container_format,
    visibility: image.visibility,
    size: image.size,
    virtual_size: image.virtual_size,
    status: image.status,
    checksum: image.checksum,
    protected: image.protected,
    min_ram: image.min_ram,
    min_disk: image.min_disk,
    owner: image.owner,
    os_hidden: image.os_hidden,
    os_hash_algo: image.os_hash_algo,
    os_hash_value: image.os_hash_value,
    id: uuid,
    created_at: timeView(image.created_at),
    updated_at: timeView(image.updated_at),
    tags: image.tags,
    self: `/v2/images/${uuid}`,
    file: `/v2/images/${uuid}/file`,
    schema: '/v2/schemas/image',
  };
}

export function memberView(member: ImageMember): Record<string, unknown> {
  return {
    member_id: member.member,
    image_id: member.image_uuid,
    status: member.status,
    created_at: timeView(member.created_at),
    updated_at: timeView(member.updated_at),
    schema: '/v2/schemas/member',
  };
}

/** Whole seconds, as in oslo’s isotime. */
function timeView(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

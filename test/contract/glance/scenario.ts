/** What is asked of both Image services, as data. */
export interface Exchange {
  method: string;
  path: string;
  /** Bytes and texts go as they are, anything else as JSON. */
  body?: unknown;
  /** Content-Type; default: what goes with the body, none without one. */
  type?: string;
  headers?: Record<string, string>;
}

/** Starts without an image, and is cleaned up after. */
export interface Scenario {
  name: string;
  steps: readonly Exchange[];
}

export const IMAGES = '/v2/images';
export const RAW = { disk_format: 'raw', container_format: 'bare' };
/** Never inspected, so that any bytes do. */
export const KERNEL = { disk_format: 'aki', container_format: 'aki' };
export const BYTES = 'application/octet-stream';
export const PATCH = 'application/openstack-images-v2.1-json-patch';
export const PATCH_4 = 'application/openstack-images-v2.0-json-patch';
export const NOBODY = 'd1ffe700-ffff-4000-8000-ffffffffffff';

/** UUIDs that normalising leaves alone; a deleted one is never had again, so scenarios have numbers of their own. */
export function ownId(scenario: number, image: number): string {
  return `d1ffe700-${String(scenario).padStart(4, '0')}-4000-8000-${String(image).padStart(12, '0')}`;
}

export const get = (path: string, headers?: Record<string, string>): Exchange => ({
  method: 'GET',
  path,
  ...(headers ? { headers } : {}),
});
export const remove = (path: string): Exchange => ({ method: 'DELETE', path });
export const post = (path: string, body?: unknown, type?: string): Exchange => ({
  method: 'POST',
  path,
  ...(body === undefined ? {} : { body }),
  ...(type === undefined ? {} : { type }),
});
export const put = (path: string, body?: unknown, type?: string): Exchange => ({
  ...post(path, body, type),
  method: 'PUT',
});
export const patch = (id: string, body: unknown, type = PATCH): Exchange => ({
  method: 'PATCH',
  path: `${IMAGES}/${id}`,
  body,
  type,
});
export const upload = (id: string, text: string): Exchange =>
  put(`${IMAGES}/${id}/file`, Buffer.from(text), BYTES);

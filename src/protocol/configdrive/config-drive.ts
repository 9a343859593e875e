import { buildIso9660 } from '../iso/write.js';

/** A config drive that a client sends instead of a finished volume (contract: dict form, 1.56; vendor_data 1.59). */
export interface ConfigDriveContent {
  meta_data?: Readonly<Record<string, unknown>>;
  network_data?: Readonly<Record<string, unknown>>;
  /** Text is written unchanged, anything else as JSON. */
  user_data?: unknown;
  vendor_data?: Readonly<Record<string, unknown>>;
}

/** Defaults of meta_data. */
export interface ConfigDriveNode {
  uuid: string;
  name?: string | null;
}

/** Readers use the newest format they know, or the oldest: both hold the same files. */
const VERSIONS = ['2012-08-10', 'latest'] as const;
/** The label by which cloud-init and similar programs find the volume. */
const LABEL = 'config-2';

/** The files of a config drive by path (openstacksdk, baremetal/configdrive.py). */
export function configDriveFiles(
  content: ConfigDriveContent,
  node: ConfigDriveNode,
): Map<string, Uint8Array> {
  const defaults = { uuid: node.uuid, ...(node.name ? { name: node.name } : {}) };
  const encode = (value: unknown) =>
    new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
  const files = new Map<string, Uint8Array>();
  for (const version of VERSIONS) {
    const add = (name: string, value: unknown) => files.set(`openstack/${version}/${name}`, encode(value));
    add('meta_data.json', { ...defaults, ...content.meta_data });
    if (isFilled(content.network_data)) add('network_data.json', content.network_data);
    if (isFilled(content.vendor_data)) add('vendor_data2.json', content.vendor_data);
    if (isFilled(content.user_data)) add('user_data', content.user_data);
  }
  return files;
}

/**
 * The volume itself: ISO 9660 labelled config-2. The caller applies gzip and base64.
 * @param now milliseconds since 1970
 */
export function buildConfigDrive(
  content: ConfigDriveContent,
  node: ConfigDriveNode,
  now: number,
): Uint8Array {
  return buildIso9660(configDriveFiles(content, node), { label: LABEL, publisher: 'FERRIC', time: now });
}

/** Empty objects and texts make no file, as in upstream. */
function isFilled(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

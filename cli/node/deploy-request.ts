import { readFile } from 'node:fs/promises';
import type { JsonObject } from '../../src/domain/json.js';
import { UsageError } from '../usage-error.js';

export interface DeployOptions {
  image?: string;
  checksum?: string;
  diskFormat?: string;
  kernel?: string;
  ramdisk?: string;
  rootDevice?: string[];
  hostname?: string;
  sshKey?: string[];
  userData?: string;
  networkData?: string;
}

/** A public key as OpenSSH writes it. */
const SSH_KEY = /^(ssh-|ecdsa-|sk-)[\w@.-]+ [A-Za-z0-9+/=]+/;

/** The changes of `instance_info` before a deployment, as a JSON Patch. */
export function instancePatch(options: DeployOptions): JsonObject[] {
  const { image, checksum, diskFormat, kernel, ramdisk, rootDevice } = options;
  const info: Record<string, string | JsonObject | undefined> = {
    image_source: image,
    image_checksum: checksum,
    image_disk_format: diskFormat,
    kernel,
    ramdisk,
    root_device: rootDevice === undefined ? undefined : hintsOf(rootDevice),
  };
  return Object.entries(info).flatMap(([key, value]) =>
    value === undefined ? [] : [{ op: 'add', path: `/instance_info/${key}`, value }],
  );
}

function hintsOf(given: readonly string[]): JsonObject {
  return Object.fromEntries(
    given.map((hint) => {
      const equals = hint.indexOf('=');
      if (equals < 1)
        throw new UsageError(`--root-device is KEY=VALUE, such as serial=X or size='>= 100', not ${hint}`);
      return [hint.slice(0, equals), hint.slice(equals + 1)];
    }),
  );
}

/**
 * The config drive in its JSON form, which the daemon builds; undefined when nothing is to be in it.
 * @param name the node's, for the host name
 * @throws UsageError for a file that is not what its option says
 */
export async function configDriveOf(
  options: DeployOptions,
  name: string | null,
): Promise<JsonObject | undefined> {
  const { hostname = name, sshKey = [], userData, networkData } = options;
  const wanted = sshKey.length > 0 || userData !== undefined || networkData !== undefined || options.hostname;
  if (!wanted) return undefined;
  const keys: Record<string, string> = {};
  for (const file of sshKey) {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.trim() !== '');
    for (const line of lines) {
      if (!SSH_KEY.test(line))
        throw new UsageError(`--ssh-key ${file} has a line that is no public key of OpenSSH`);
      keys[`key-${Object.keys(keys).length + 1}`] = line.trim();
    }
  }
  const meta_data: JsonObject = {
    ...(hostname === null ? {} : { hostname, name: hostname, local_hostname: hostname }),
    ...(Object.keys(keys).length === 0 ? {} : { public_keys: keys }),
  };
  return {
    meta_data,
    ...(userData === undefined ? {} : { user_data: await readFile(userData, 'utf8') }),
    ...(networkData === undefined ? {} : { network_data: await jsonOf(networkData) }),
  };
}

async function jsonOf(file: string): Promise<JsonObject> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text) as JsonObject;
  } catch (error) {
    throw new UsageError(`--network-data ${file} is no JSON: ${(error as Error).message}`);
  }
}

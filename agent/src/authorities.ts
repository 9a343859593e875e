import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { authoritiesPath, CONFIG_FOLDER } from '../../src/protocol/agent/authority-files.js';
import { AgentStopped, messageOf } from './error.js';

/**
 * PEM certificates of the authorities that servers may have beside the system's: option `cafile` of the ramdisk's
 * configuration files, which an image or a disc for virtual media brings.
 * @param root of the file system
 * @returns undefined when none is named
 * @throws AgentStopped for a file that is named and cannot be used: the API would seem to be unreachable
 */
export function readAuthorities(root = '/'): string | undefined {
  const folder = join(root, CONFIG_FOLDER);
  const path = authoritiesPath(configurationsOf(folder));
  if (path === undefined) return undefined;
  let pem: string;
  try {
    pem = readFileSync(join(root, path), 'utf8');
  } catch (error) {
    throw new AgentStopped(`cafile = ${path} in ${folder} cannot be read: ${messageOf(error)}`);
  }
  if (!pem.includes('-----BEGIN CERTIFICATE-----'))
    throw new AgentStopped(`cafile = ${path} in ${folder} holds no certificate`);
  return pem;
}

/**
 * The `ca` of a TLS connection.
 * @param pems further authorities; undefined ones are left out
 * @returns undefined, Node's default, when there are none
 */
export function withSystems(...pems: readonly (string | undefined)[]): string[] | undefined {
  const further = pems.filter((pem) => pem !== undefined);
  return further.length === 0 ? undefined : [...getCACertificates('default'), ...further];
}

function configurationsOf(folder: string): string[] {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const configurations = names.filter((name) => name.endsWith('.conf')).sort();
  return configurations.map((name) => readFileSync(join(folder, name), 'utf8'));
}

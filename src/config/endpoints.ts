import { hostname } from 'node:os';
import type { Config } from './schema.js';
import { bootRoots, bootUrl } from './section/netboot.js';

/** This conductor's name in the database. */
export function conductorHost({ conductor }: Pick<Config, 'conductor'>): string {
  return conductor.host ?? hostname();
}

/** URLs for machines; by default they are derived from the listeners. */

/** Base URL of the agents' listener: the ramdisk's `ipa-api-url`. */
export function agentApiUrl(config: Config): string {
  const { public_url, listen } = config.agent;
  return public_url ?? `http://${listen.address}:${listen.port}`;
}

/** Base URL of the boot HTTP server. */
export function bootHttpUrl(config: Config): string {
  return bootUrl(config.netboot);
}

/** Directory served over HTTP. */
export function httpRoot(config: Config): string {
  return bootRoots(config.netboot, config.data_dir).http;
}

/** Directory served over TFTP. */
export function tftpRoot(config: Config): string {
  return bootRoots(config.netboot, config.data_dir).tftp;
}

/** Directory of the Image service's files. */
export function imageStore(config: Config): string {
  return config.image_service.directory ?? `${config.data_dir}/image-store`;
}

/** File of the keys that encrypt secrets. */
export function secretKeyFile(config: Config): string {
  return config.database.secret_key_file ?? `${config.data_dir}/secret.key`;
}

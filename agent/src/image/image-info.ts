import { FETCH_RULES, type FetchRules, parseFetchRules } from '../../../src/protocol/agent/fetch-rules.js';
import { type UncheckedObject } from '../../../src/protocol/agent/malformed-body.js';
import { isObject } from '../../../src/protocol/json.js';
import { invalidCommandParams, messageOf } from '../error.js';

/** The fields of `image_info` in write_image and prepare_image that this agent reads. */
export interface ImageInfo {
  id: string;
  urls: readonly string[];
  disk_format?: string;
  checksum?: string;
  os_hash_algo?: string;
  os_hash_value?: string;
  image_type?: string;
  node_uuid?: string;
  deploy_boot_mode?: string;
  /** For a partition image: sizes of the disk's partitions, in MiB. */
  root_mb?: number;
  swap_mb?: number;
  ephemeral_mb?: number;
  ephemeral_format?: string;
  preserve_ephemeral?: boolean;
  disk_label?: string;
  /** base64 of an Authorization header's value. */
  image_request_authorization?: string;
  image_server_auth_strategy?: string;
  image_server_user?: string;
  image_server_password?: string;
  proxies?: { http?: string; https?: string };
  no_proxy?: string;
  configdrive?: string;
  /** Rules of a Ferric conductor for the addresses that it may be fetched from. */
  fetchRules?: FetchRules;
}

/**
 * Checks in upstream's order, with upstream's texts (extensions/standby.py, _validate_image_info).
 * @throws AgentError InvalidCommandParamsError
 */
export function parseImageInfo(value: unknown): ImageInfo {
  const info = isObject(value) ? value : {};
  for (const field of ['id', 'urls']) {
    if (!(field in info)) throw invalidCommandParams(`Image is missing '${field}' field.`);
  }
  const { id, urls } = info;
  if (typeof id !== 'string' || id === '')
    throw invalidCommandParams("Image 'id' must be a non-empty string.");
  if (!Array.isArray(urls) || urls.length === 0 || urls.some((url) => typeof url !== 'string')) {
    throw invalidCommandParams("Image 'urls' must be a list with at least one element.");
  }
  if (info['checksum'] !== undefined && info['checksum'] !== null) nonEmpty(info, 'checksum');
  const hashed = Boolean(info['os_hash_algo'] || info['os_hash_value']);
  if (hashed) {
    nonEmpty(info, 'os_hash_algo');
    nonEmpty(info, 'os_hash_value');
  }
  if (!hashed && !info['checksum']) {
    throw invalidCommandParams(
      "Image checksum is not available, either the 'checksum' field or the 'os_hash_algo' and 'os_hash_value' " +
        'fields pair must be set for image verification.',
    );
  }
  const text = (name: string) =>
    typeof info[name] === 'string' && info[name] !== '' ? info[name] : undefined;
  const mebibytes = (name: string) => {
    const given = info[name];
    if (given === undefined || given === null || given === '') return undefined;
    const parsed = Number(given);
    if (Number.isInteger(parsed) && parsed >= 0 && parsed < MOST_MEBIBYTES) return parsed;
    throw invalidCommandParams(`Image '${name}' must be a number of MiB.`);
  };
  const proxies = isObject(info['proxies']) ? info['proxies'] : undefined;
  const proxy = (name: string) => (typeof proxies?.[name] === 'string' ? proxies[name] : undefined);
  return {
    id,
    urls: urls as string[],
    disk_format: text('disk_format'),
    checksum: text('checksum'),
    os_hash_algo: text('os_hash_algo'),
    os_hash_value: text('os_hash_value'),
    image_type: text('image_type'),
    node_uuid: text('node_uuid'),
    deploy_boot_mode: text('deploy_boot_mode'),
    root_mb: mebibytes('root_mb'),
    swap_mb: mebibytes('swap_mb'),
    ephemeral_mb: mebibytes('ephemeral_mb'),
    ephemeral_format: text('ephemeral_format'),
    preserve_ephemeral: info['preserve_ephemeral'] === true,
    disk_label: text('disk_label'),
    image_request_authorization: text('image_request_authorization'),
    image_server_auth_strategy: text('image_server_auth_strategy'),
    image_server_user: text('image_server_user'),
    image_server_password: text('image_server_password'),
    proxies: proxies && { http: proxy('http'), https: proxy('https') },
    no_proxy: text('no_proxy'),
    configdrive: text('configdrive'),
    fetchRules: fetchRulesOf(info),
  };
}

/** @throws AgentError */
function fetchRulesOf(info: UncheckedObject): FetchRules | undefined {
  if (info[FETCH_RULES] === undefined) return undefined;
  try {
    return parseFetchRules(info[FETCH_RULES]);
  } catch (error) {
    throw invalidCommandParams(`Image '${messageOf(error)}.`);
  }
}

/** Any sum of these is exact in bytes. */
const MOST_MEBIBYTES = 2 ** 31;

/** The Authorization header for the image server. @throws AgentError */
export function authorizationOf(image: ImageInfo): string | undefined {
  if (image.image_request_authorization) {
    return Buffer.from(image.image_request_authorization, 'base64').toString('utf8');
  }
  if (image.image_server_auth_strategy !== 'http_basic') return undefined;
  if (!image.image_server_user || !image.image_server_password) {
    throw invalidCommandParams('HTTP basic authentication of the image server needs a user and a password.');
  }
  return `Basic ${Buffer.from(`${image.image_server_user}:${image.image_server_password}`).toString('base64')}`;
}

function nonEmpty(info: UncheckedObject, field: string): void {
  if (typeof info[field] !== 'string' || info[field] === '') {
    throw invalidCommandParams(`Image '${field}' must be a non-empty string.`);
  }
}

import { join } from 'node:path';
import type { ImageSection } from '../config/section/image.js';
import type { ImageRules } from '../domain/image/instance-image.js';
import type { ProxySettings } from '../domain/network/proxy-rule.js';
import type { AddressGuardSettings } from '../platform/address-guard.js';
import { authoritiesIn } from '../platform/authorities.js';
import type { Credential, HttpClientSettings } from '../platform/http-client.js';
import { ownPorts, publicEndpoints } from '../platform/own-listeners.js';
import { proxyOfEnvironment } from '../platform/proxy.js';
import type { CacheSettings } from './cache/cache.js';
import type { ConvertLimits } from './fetch/convert.js';
import { basic, type GlanceSettings } from './fetch/glance.js';

/** Settings from outside the section: directories, other users of this machine and of its networks. */
export interface ImageSurroundings {
  /** Masters go to `<dataDir>/image-cache`. */
  dataDir: string;
  /** Ferric's other files and directories, which are never images. */
  ownPaths?: readonly string[];
  /** Environment that proxy variables are read from. */
  environment?: Readonly<Record<string, string | undefined>>;
  /** CIDRs beside `refused_networks`, read at each request: BMC addresses. */
  refusedNetworks?: () => readonly string[];
}

export interface TransferSettings {
  attempts: number;
  /** Milliseconds. */
  pause: number;
  /** Bytes a second. */
  minRate: number;
  /** Milliseconds. */
  timeout: number;
  parallel: number;
  workers: number;
}

export type OutboundSettings = Pick<HttpClientSettings, 'proxy' | 'authorities'>;

export interface ImageServiceSettings {
  rules: ImageRules;
  permitted: readonly string[];
  forceRaw: boolean;
  /** Bytes. */
  maxBytes: number;
  maxVirtualBytes: number;
  cache: CacheSettings;
  convert: ConvertLimits;
  transfer: TransferSettings;
  outbound: OutboundSettings;
  /** For URLs from users. @param proxy the node's own, which replaces the daemon's */
  client: (proxy?: ProxySettings) => HttpClientSettings;
  glance: GlanceSettings | undefined;
}

/** Below the data directory. */
const CACHE = 'image-cache';
const MiB = 2 ** 20;

/** The addresses that URLs from users may reach. @param refused CIDRs beside the configured ones */
export function addressGuardSettings(
  section: Pick<ImageSection, 'allowed_networks' | 'refused_networks'>,
  refused: readonly string[] = [],
): AddressGuardSettings {
  return {
    allowedNetworks: section.allowed_networks,
    refusedNetworks: [...section.refused_networks, ...refused],
    ownPorts: ownPorts(),
    ownEndpoints: publicEndpoints(),
  };
}

export function imageServiceSettings(
  section: ImageSection,
  surroundings: ImageSurroundings,
): ImageServiceSettings {
  const credentials: Credential[] = section.server_credentials.map((entry) => ({
    origin: entry.origin,
    header: 'Authorization',
    value: basic(entry.username, entry.password.reveal()),
  }));
  const outbound = outboundSettings(section, surroundings.environment);
  return {
    rules: {
      allowMd5: section.allow_md5_checksum,
      filePaths: section.allowed_file_paths,
      ownPaths: [join(surroundings.dataDir, CACHE), ...(surroundings.ownPaths ?? [])],
    },
    permitted: section.permitted_formats,
    forceRaw: section.force_raw,
    maxBytes: section.max_size_mib * MiB,
    maxVirtualBytes: section.max_virtual_size_gib * 1024 * MiB,
    cache: {
      directory: join(surroundings.dataDir, CACHE),
      before: join(surroundings.dataDir, 'images'),
      maxBytes: section.cache_size_mib * MiB,
      maxAge: section.cache_ttl_minutes * 60_000,
      keepFree: section.cache_keep_free_mib * MiB,
    },
    convert: { memory: section.convert_memory_mib * MiB, timeout: section.convert_timeout * 1000 },
    transfer: {
      attempts: section.download_attempts,
      pause: 500,
      minRate: section.min_rate,
      timeout: section.download_timeout * 1000,
      parallel: section.parallel_downloads,
      workers: section.workers,
    },
    client: (proxy) => ({
      ...outbound,
      ...(proxy === undefined ? {} : { proxy, proxyOfUser: true }),
      guard: addressGuardSettings(section, surroundings.refusedNetworks?.()),
      connectTimeout: section.connect_timeout * 1000,
      idleTimeout: section.idle_timeout * 1000,
      maxRedirects: section.max_redirects,
      credentials,
    }),
    outbound,
    glance: glanceSettings(section.glance),
  };
}

/**
 * How the conductor's own downloads leave this machine: images, checksum files, the outside Image service, calls of
 * inspection rules.
 * @throws InvalidError naming a key whose file is unusable
 */
export function outboundSettings(
  section: Pick<ImageSection, 'ca_file' | 'http_proxy' | 'https_proxy' | 'no_proxy'>,
  environment: ImageSurroundings['environment'] = {},
): OutboundSettings {
  const authorities = imageAuthorities(section);
  return {
    proxy: proxyOf(section, environment),
    ...(authorities === undefined ? {} : { authorities }),
  };
}

/** The private authorities of image servers, for the conductor and its agents. @throws InvalidError */
export function imageAuthorities({ ca_file }: Pick<ImageSection, 'ca_file'>): string | undefined {
  return ca_file === null ? undefined : authoritiesIn(ca_file, 'image.ca_file');
}

/** A configured key takes precedence over the environment. */
function proxyOf(
  { http_proxy, https_proxy, no_proxy }: Pick<ImageSection, 'http_proxy' | 'https_proxy' | 'no_proxy'>,
  environment: Readonly<Record<string, string | undefined>>,
): ProxySettings {
  return {
    ...proxyOfEnvironment(environment),
    ...(http_proxy === null ? {} : { http: http_proxy.reveal() }),
    ...(https_proxy === null ? {} : { https: https_proxy.reveal() }),
    ...(no_proxy === null ? {} : { no: no_proxy }),
  };
}

function glanceSettings({
  url,
  auth,
  username,
  password,
  token,
}: ImageSection['glance']): GlanceSettings | undefined {
  if (url === null) return undefined;
  switch (auth) {
    case 'none':
      return { url, auth: { kind: 'none' } };
    case 'http_basic':
      return {
        url,
        auth: { kind: 'http_basic', username: username ?? '', password: password?.reveal() ?? '' },
      };
    case 'token':
      return { url, auth: { kind: 'token', token: token?.reveal() ?? '' } };
  }
}

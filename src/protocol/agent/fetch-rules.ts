import { isObject } from '../json.js';
import { MalformedBody, requireObject, requireString, type UncheckedObject } from './malformed-body.js';

interface Endpoint {
  /** An address, or a name. */
  host: string;
  port: number;
}

/**
 * What an agent may fetch of the URLs that users named; not a field of Ironic's. It is part of `image_info` and applies
 * to the image, its checksum file and the config drive, including redirects.
 */
export interface FetchRules {
  addresses: {
    /** CIDRs. */
    allowedNetworks: readonly string[];
    refusedNetworks: readonly string[];
    /** Endpoints of the conductor itself. */
    ownEndpoints: readonly Endpoint[];
  };
  /** URLs that the conductor itself made: allowed although they lead to it. Targets of their redirects are not. */
  trusted: readonly string[];
  /** PEM: certificate authorities that servers may have beside those of the ramdisk. */
  authorities?: string;
}

export const FETCH_RULES = 'ferric_fetch_rules';

export type FetchRulesBody = {
  allowed_networks: string[];
  refused_networks: string[];
  endpoints: { host: string; port: number }[];
  trusted_urls: string[];
  authorities?: string;
};

export function encodeFetchRules({ addresses, trusted, authorities }: FetchRules): FetchRulesBody {
  return {
    allowed_networks: [...addresses.allowedNetworks],
    refused_networks: [...addresses.refusedNetworks],
    endpoints: addresses.ownEndpoints.map(({ host, port }) => ({ host, port })),
    trusted_urls: [...trusted],
    ...(authorities === undefined ? {} : { authorities }),
  };
}

/** @throws MalformedBody: rules that cannot be parsed are never ignored */
export function parseFetchRules(value: unknown): FetchRules {
  const body = requireObject(value, FETCH_RULES);
  const endpoints = list(body, 'endpoints').map((row): Endpoint => {
    const port = isObject(row) ? row['port'] : undefined;
    if (!isObject(row) || typeof port !== 'number')
      throw new MalformedBody(`${FETCH_RULES}.endpoints`, 'must be hosts with ports');
    return { host: requireString(row['host'], `${FETCH_RULES}.endpoints.host`), port };
  });
  return {
    addresses: {
      allowedNetworks: texts(body, 'allowed_networks'),
      refusedNetworks: texts(body, 'refused_networks'),
      ownEndpoints: endpoints,
    },
    trusted: texts(body, 'trusted_urls'),
    ...(body['authorities'] === undefined
      ? {}
      : { authorities: requireString(body['authorities'], `${FETCH_RULES}.authorities`) }),
  };
}

function list(body: UncheckedObject, name: string): unknown[] {
  const value = body[name];
  if (!Array.isArray(value)) throw new MalformedBody(`${FETCH_RULES}.${name}`, 'must be a list');
  return value;
}

function texts(body: UncheckedObject, name: string): string[] {
  return list(body, name).map((text) => requireString(text, `${FETCH_RULES}.${name}`));
}

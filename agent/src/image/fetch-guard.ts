import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { canonicalAddress } from '../../../src/domain/agent/callback-url.js';
import { AddressRule } from '../../../src/domain/network/address-rule.js';
import type { FetchRules } from '../../../src/protocol/agent/fetch-rules.js';
import { messageOf } from '../error.js';

/** A URL that must not be fetched; a retry would be refused too. */
export class FetchRefused extends Error {}

interface Found {
  address: string;
  family: number;
}

/**
 * Checks a user's URL by the conductor's rules before a connection is made. Without rules (Ironic sends none) every URL
 * is allowed.
 */
export class FetchGuard {
  private readonly rule: AddressRule | undefined;

  constructor(private readonly rules: FetchRules | undefined) {
    this.rule = rules && new AddressRule({ ...rules.addresses, ownPorts: [] }, () => false);
  }

  /**
   * @param first whether it is the URL of the command; the target of a redirect is never trusted
   * @param proxied a proxy resolves the name and makes the connection
   * @returns a lookup that connects only to the checked addresses; undefined when the system may resolve the name
   * @throws FetchRefused, and the resolver's error
   */
  async judge(url: URL, first: boolean, proxied: boolean): Promise<LookupFunction | undefined> {
    const { rule, rules } = this;
    if (!rule || (first && rules?.trusted.some((own) => URL.canParse(own) && new URL(own).href === url.href)))
      return undefined;
    const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
    const refuse = (why: string) => new FetchRefused(`${url.origin} must not be fetched from: ${why}`);
    const names = rule.ownNames(port);
    if (names.includes(host)) throw refuse('it is a port of Ferric itself');
    const found = await addressesOf(host).catch((error: unknown) => {
      if (proxied) return [];
      throw unresolved(host, error);
    });
    for (const { address } of found) {
      const why = rule.refusal(address, port);
      if (why !== undefined) throw refuse(why);
    }
    for (const name of names) {
      const own = await addressesOf(name).catch(() => []);
      if (own.some((one) => found.some(({ address }) => address === one.address)))
        throw refuse('it is a port of Ferric itself');
    }
    return proxied ? undefined : only(found);
  }
}

/** The conductor resolves names by other servers: the message says that the machine failed. */
export function unresolved(host: string, error: unknown): Error {
  const why = (error as NodeJS.ErrnoException).code ?? messageOf(error);
  return new Error(
    `the machine could not resolve the name ${host} (${why}); it asks the name servers that DHCP gave it`,
    { cause: error },
  );
}

async function addressesOf(host: string): Promise<Found[]> {
  const address = canonicalAddress(host);
  if (address !== null) return [{ address, family: address.includes(':') ? 6 : 4 }];
  return lookup(host, { all: true });
}

function only(found: readonly Found[]): LookupFunction {
  return (_name, options, done) => {
    if (options.all) done(null, [...found]);
    else done(null, found[0]!.address, found[0]!.family);
  };
}

import { networkInterfaces } from 'node:os';
import { canonicalAddress } from '../domain/agent/callback-url.js';
import { AddressRule, type AddressRuleSettings } from '../domain/network/address-rule.js';

export type AddressGuardSettings = AddressRuleSettings;

/** The rule for addresses, with the own addresses of the machine that Ferric runs on. */
export class AddressGuard extends AddressRule {
  constructor(settings: AddressGuardSettings) {
    super(settings, isOwn);
  }
}

function isOwn(address: string): boolean {
  const wanted = canonicalAddress(address);
  return Object.values(networkInterfaces()).some((list) =>
    list?.some((own) => canonicalAddress(own.address) === wanted),
  );
}

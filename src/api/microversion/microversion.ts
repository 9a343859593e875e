import type { IncomingHttpHeaders } from 'node:http';
import { FerricError } from '../../domain/errors.js';

const OLDEST = 1;
const NEWEST = 115;
export const MIN_VERSION = `1.${OLDEST}`;
export const MAX_VERSION = `1.${NEWEST}`;
export const VERSION_HEADER = 'x-openstack-ironic-api-version';
export const MIN_VERSION_HEADER = 'x-openstack-ironic-api-minimum-version';
export const MAX_VERSION_HEADER = 'x-openstack-ironic-api-maximum-version';
const STANDARD_HEADER = 'openstack-api-version';

/**
 * Behaviours that changed with a microversion and belong to no field, route, filter or verb. This file has the API's
 * only comparisons of version numbers; other code names a behaviour or carries `since`.
 */
const BEHAVIOURS = {
  availableState: 2, // before, the state `available` reads as null
  nodeName: 5,
  unrestrictedName: 10,
  enrollFirst: 11, // before, a new node is `available` at once
  raidConfig: 12,
  nodeLinks: 14,
  portgroupLinks: 24,
  chassisRemoval: 25,
  softPower: 27,
  volumeLinks: 32,
  rebuildWithConfigDrive: 35,
  agentVersion: 36,
  inspectWaitState: 39, // before, shown as `inspecting`
  inspectAbort: 41,
  detailQuery: 43,
  configDriveObject: 56,
  allocationBackfill: 58,
  configDriveVendorData: 59,
  agentToken: 62, // before, a lookup returns no token
  localLinkNetworkType: 64,
  vifToPort: 67,
  agentVerifyCa: 68,
  deploySteps: 69,
  cleanDisableRamdisk: 70,
  agentStatus: 72,
  biosRegistry: 74,
  continueInspection: 84, // before, only for clients of ironic-inspector, at 1.1
  localLinkOvn: 90, // until localLinkNoOvn
  portName: 88, // before, a port is identified by its UUID alone
  dotJsonIsName: 91, // before, a `.json` suffix of the path is dropped
  runbooks: 92,
  nodeIdentOfPort: 94,
  pointerEscapes: 98,
  portgroupPhysicalNetwork: 102, // a port in a group has the group's
  localLinkNoOvn: 105,
  secondRequestIdHeader: 107,
  serviceDisableRamdisk: 108,
  deployAbort: 110,
  runbookTraits: 112, // before, a runbook's name is the trait that a node needs
} as const;
export type Behaviour = keyof typeof BEHAVIOURS;

/** The version that the client requested; always within MIN_VERSION..MAX_VERSION. */
export class Microversion {
  constructor(readonly minor: number) {}

  static readonly oldest = new Microversion(OLDEST);
  static readonly newest = new Microversion(NEWEST);

  /** Whether a feature of 1.`since` exists. */
  has(since: number): boolean {
    return this.minor >= since;
  }

  /** Whether it is the default, for clients that name no version. */
  get isOldest(): boolean {
    return this.minor === OLDEST;
  }

  does(behaviour: Behaviour): boolean {
    return this.has(BEHAVIOURS[behaviour]);
  }

  toString(): string {
    return `1.${this.minor}`;
  }
}

/** The first version with the behaviour, as `1.N`, for messages. */
export function versionOf(behaviour: Behaviour): string {
  return `1.${BEHAVIOURS[behaviour]}`;
}

/** All versions, oldest first: for tests and documentation. */
export function everyVersion(): Microversion[] {
  return Array.from({ length: NEWEST - OLDEST + 1 }, (_, index) => new Microversion(OLDEST + index));
}

/**
 * Reads `OpenStack-API-Version: baremetal 1.N` or Ironic's older header; neither means the oldest version.
 * @throws FerricError not-acceptable
 */
export function negotiate(headers: IncomingHttpHeaders): Microversion {
  const asked = standardHeader(headers) ?? single(headers[VERSION_HEADER]) ?? MIN_VERSION;
  if (asked.toLowerCase() === 'latest') return Microversion.newest;
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(asked.trim());
  if (!match) throw notAcceptable(`Invalid value for X-OpenStack-Ironic-API-Version header`);
  const [major, minor] = [Number(match[1]), Number(match[2])];
  const range = `The supported version range is: [${MIN_VERSION}, ${MAX_VERSION}].`;
  if (major !== 1) {
    throw notAcceptable(
      `Mutually exclusive versions requested. Version ${major}.${minor} requested but not supported by this service. ${range}`,
    );
  }
  if (minor < OLDEST || minor > NEWEST) {
    throw notAcceptable(
      `Version ${major}.${minor} was requested but the minor version is not supported by this service. ${range}`,
    );
  }
  return new Microversion(minor);
}

/** The last entry for our service type counts (microversion_parse). */
function standardHeader(headers: IncomingHttpHeaders): string | undefined {
  const entries = single(headers[STANDARD_HEADER])?.split(',') ?? [];
  for (const entry of entries.toReversed()) {
    const match = /^\s*(\S+)\s+(\S.*)$/.exec(entry);
    if (match?.[1]?.toLowerCase() === 'baremetal') return match[2]!.trim();
  }
  return undefined;
}

function single(value: string | string[] | undefined): string | undefined {
  const text = Array.isArray(value) ? value.join(',') : value;
  return text === '' ? undefined : text;
}

/** Refused before any controller runs: the filter writes it in the middleware's form. */
export class VersionRefused extends FerricError {}

function notAcceptable(message: string): VersionRefused {
  return new VersionRefused('not-acceptable', message);
}

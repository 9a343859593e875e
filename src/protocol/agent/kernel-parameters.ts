/** The kernel command line that a boot configuration gives the ramdisk, as the agent reads it (ipa-*, BOOTIF). */

/** Raw `key=value` pairs; a word without `=` is kept as an empty value. The last of equal keys wins. */
export type KernelParameters = ReadonlyMap<string, string>;

export interface AgentSettings {
  /** One or more roots of the Bare Metal API, tried in turn; empty if the machine is only inspected. */
  apiUrls: readonly string[];
  /** URLs that receive the inspection data, tried in turn; empty: no inspection. */
  inspectionUrls: readonly string[];
  inspectionCollectors: readonly string[];
  /** Seconds to wait for the addresses of the NIC that booted, or of all NICs; 0: no wait. */
  inspectionDhcpWaitTimeout: number;
  inspectionDhcpAllInterfaces: boolean;
  /** From virtual media or an operator; otherwise lookup provides it. */
  agentToken?: string;
  globalRequestId?: string;
  debug: boolean;
  /** Do not check the API's certificate. */
  insecure: boolean;
  listenHost: string;
  listenPort: number;
  advertiseHost?: string;
  advertisePort: number;
  advertiseProtocol?: 'http' | 'https';
  /** Number of attempts to find the own address, and seconds between them. */
  ipLookupAttempts: number;
  ipLookupTimeout: number;
  networkInterface?: string;
  /** Seconds. */
  lookupTimeout: number;
  lookupInterval: number;
  hardwareInitializationDelay: number;
  diskWaitAttempts: number;
  diskWaitDelay: number;
  imageConnectionTimeout: number;
  imageRetries: number;
  imageRetryInterval: number;
  /** Seconds for a whole image; 0 = no limit. */
  imageMaxDuration: number;
  /** Minor of a fixed `1.N`; undefined = negotiate. */
  ironicApiMinor?: number;
  ignoreBootloaderFailure: boolean;
  guardSpecialFilesystems: boolean;
  /** Seconds for one request to the API. */
  httpRequestTimeout: number;
  tlsMinVersion: 'TLSv1.2' | 'TLSv1.3';
  /** MAC of the NIC that booted, lower case with colons. */
  bootMac?: string;
}

/** All faults of a command line. */
export class BadKernelParameters extends Error {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
    this.name = 'BadKernelParameters';
  }
}

/** Splits as the kernel does: on white space, with double quotes around a value or a whole word. */
export function parseKernelCommandLine(line: string): KernelParameters {
  const parameters = new Map<string, string>();
  for (const word of line.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []) {
    const bare = word.replaceAll('"', '');
    const equals = bare.indexOf('=');
    if (equals === -1) parameters.set(bare, '');
    else parameters.set(bare.slice(0, equals), bare.slice(equals + 1));
  }
  return parameters;
}

/** `01-52-54-00-…` (hardware type first, as PXE writes it) or a plain MAC, with `-` or `:`. */
export function parseBootif(value: string): string | undefined {
  const plain = value.trim().toLowerCase().replaceAll('-', ':');
  const mac = /^(?:[0-9a-f]{2}:)?((?:[0-9a-f]{2}:){5}[0-9a-f]{2})$/.exec(plain);
  return mac?.[1];
}

/**
 * Defaults are upstream's (ironic_python_agent/config.py).
 * @throws BadKernelParameters
 */
export function agentSettings(parameters: KernelParameters): AgentSettings {
  const faults: string[] = [];
  const text = (name: string) => parameters.get(name) || undefined;
  const number = (name: string, fallback: number, min: number, max = Number.MAX_SAFE_INTEGER) => {
    const raw = text(name);
    if (raw === undefined) return fallback;
    const value = Number(raw);
    if (/^\d+(\.\d+)?$/.test(raw) && value >= min && value <= max) return value;
    faults.push(`${name}=${raw}: must be a number from ${min}${max < 1e9 ? ` to ${max}` : ''}`);
    return fallback;
  };
  const flag = (name: string, fallback: boolean) => {
    const raw = parameters.get(name);
    if (raw === undefined) return fallback;
    if (/^(1|t|true|on|y|yes|)$/i.test(raw)) return true;
    if (/^(0|f|false|off|n|no)$/i.test(raw)) return false;
    faults.push(`${name}=${raw}: must be true or false`);
    return fallback;
  };

  const bootif = text('BOOTIF');
  const bootMac = bootif === undefined ? undefined : parseBootif(bootif);
  if (bootif !== undefined && bootMac === undefined) faults.push(`BOOTIF=${bootif}: is not a MAC`);
  const protocol = text('ipa-advertise-protocol');
  if (protocol !== undefined && protocol !== 'http' && protocol !== 'https') {
    faults.push(`ipa-advertise-protocol=${protocol}: must be http or https`);
  }

  const callback = text('ipa-inspection-callback-url');
  const collectors = text('ipa-inspection-collectors');
  const onlyInspects = callback !== undefined && text('ipa-api-url') === undefined;
  const api = onlyInspects ? [] : apiUrls(text('ipa-api-url'), flag('ipa-use-mdns', false), faults);
  const settings: AgentSettings = {
    apiUrls: api,
    inspectionUrls: inspectionUrls(callback, collectors !== undefined, api, faults),
    inspectionCollectors: (collectors ?? 'default,logs').split(',').filter((name) => name !== ''),
    inspectionDhcpWaitTimeout: number('ipa-inspection-dhcp-wait-timeout', 60, 0),
    inspectionDhcpAllInterfaces: flag('ipa-inspection-dhcp-all-interfaces', false),
    agentToken: text('ipa-agent-token'),
    globalRequestId: text('ipa-global-request-id'),
    debug: flag('ipa-debug', false),
    insecure: flag('ipa-insecure', false),
    listenHost: text('ipa-listen-host') ?? '::',
    listenPort: number('ipa-listen-port', 9999, 0, 65_535),
    advertiseHost: text('ipa-advertise-host'),
    advertisePort: number('ipa-advertise-port', number('ipa-listen-port', 9999, 0, 65_535), 0, 65_535),
    advertiseProtocol: protocol as 'http' | 'https' | undefined,
    ipLookupAttempts: number('ipa-ip-lookup-attempts', 6, 1),
    ipLookupTimeout: number('ipa-ip-lookup-timeout', 10, 0),
    networkInterface: text('ipa-network-interface'),
    lookupTimeout: number('ipa-lookup-timeout', 600, 1),
    lookupInterval: number('ipa-lookup-interval', 1, 0),
    hardwareInitializationDelay: number('ipa-hardware-initialization-delay', 0, 0),
    diskWaitAttempts: number('ipa-disk-wait-attempts', 10, 0),
    diskWaitDelay: number('ipa-disk-wait-delay', 3, 0),
    imageConnectionTimeout: number('ipa-image-download-connection-timeout', 60, 1),
    imageRetries: number('ipa-image-download-connection-retries', 9, 0),
    imageRetryInterval: number('ipa-image-download-connection-retry-interval', 10, 0),
    imageMaxDuration: number('ipa-image-download-max-duration', 0, 0),
    ironicApiMinor: apiMinor(text('ipa-ironic-api-version'), faults),
    ignoreBootloaderFailure: flag('ipa-ignore-bootloader-failure', false),
    guardSpecialFilesystems: flag('ipa-guard-special-filesystems', true),
    httpRequestTimeout: number('ipa-http-request-timeout', 30, 1),
    tlsMinVersion: tlsVersion(text('ipa-tls-min-version'), faults),
    bootMac,
  };
  if (faults.length > 0) throw new BadKernelParameters([...new Set(faults)]);
  return settings;
}

function apiUrls(value: string | undefined, mdns: boolean, faults: string[]): string[] {
  if (value === 'mdns' || (value === undefined && mdns)) {
    faults.push('ipa-api-url: finding the API by multicast DNS is not supported, name its URL');
    return [];
  }
  if (value === undefined) {
    faults.push('ipa-api-url: is missing; it must name the root URL of the Bare Metal API');
    return [];
  }
  const urls = value.split(',').filter((url) => url !== '');
  for (const url of urls) {
    if (!/^https?:\/\/[^/?#\s]+/.test(url)) faults.push(`ipa-api-url=${url}: must be an http or https URL`);
  }
  if (urls.length === 0) faults.push('ipa-api-url: is empty');
  return urls.map((url) => url.replace(/\/+$/, ''));
}

/** Collectors without a callback URL request an inspection too: its data is posted to the API. */
function inspectionUrls(
  callback: string | undefined,
  collects: boolean,
  api: readonly string[],
  faults: string[],
): string[] {
  if (callback === 'mdns') {
    faults.push('ipa-inspection-callback-url: finding it by multicast DNS is not supported, name the URL');
    return [];
  }
  if (callback === undefined) return collects ? api.map((url) => `${url}/v1/continue_inspection`) : [];
  const urls = callback.split(',').filter((url) => url !== '');
  for (const url of urls) {
    if (!/^https?:\/\/[^/?#\s]+/.test(url)) {
      faults.push(`ipa-inspection-callback-url=${url}: must be an http or https URL`);
    }
  }
  return urls;
}

function apiMinor(value: string | undefined, faults: string[]): number | undefined {
  if (value === undefined) return undefined;
  const match = /^1\.(\d{1,4})$/.exec(value);
  if (!match) faults.push(`ipa-ironic-api-version=${value}: must look like 1.68`);
  return match ? Number(match[1]) : undefined;
}

function tlsVersion(value: string | undefined, faults: string[]): 'TLSv1.2' | 'TLSv1.3' {
  if (value === undefined || value === '1.2') return 'TLSv1.2';
  if (value === '1.3') return 'TLSv1.3';
  faults.push(`ipa-tls-min-version=${value}: must be 1.2 or 1.3`);
  return 'TLSv1.2';
}

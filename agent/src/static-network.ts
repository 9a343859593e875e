import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { readNetworkData, type StaticInterface } from '../../src/protocol/agent/network-data.js';
import { messageOf } from './error.js';

export interface StaticNetworkParts {
  /** Name and MAC (lower case) of interfaces with a device. */
  list(): readonly { name: string; mac_address: string }[];
  /** Runs `ip` with these arguments. @throws Error */
  ip(args: readonly string[]): Promise<void>;
  say(text: string): void;
  resolvConf: string;
  /** ms to wait for interfaces that do not exist yet. */
  wait: number;
}

/**
 * Configures the addresses of a network_data.json. A failure is logged, and the other addresses are still configured:
 * one reachable address of two is better than none.
 * @returns the names of interfaces that need no DHCP
 */
export async function setUpStaticNetwork(text: string, parts: StaticNetworkParts): Promise<string[]> {
  const { interfaces, nameservers, refused } = readNetworkData(text);
  for (const what of refused) parts.say(`network_data.json: ${what} is not set up`);
  const names: string[] = [];
  for (const one of interfaces) {
    const name = await named(one.mac, parts);
    if (name === undefined) {
      parts.say(`network_data.json: no interface has the MAC ${one.mac}`);
      continue;
    }
    if (await setUp(name, one, parts)) names.push(name);
  }
  if (nameservers.length > 0) {
    await writeFile(parts.resolvConf, nameservers.map((address) => `nameserver ${address}\n`).join(''));
  }
  return names;
}

async function setUp(name: string, one: StaticInterface, { ip, say }: StaticNetworkParts): Promise<boolean> {
  const attempt = async (...args: string[]) => {
    try {
      await ip(args);
      return true;
    } catch (error) {
      say(`network_data.json: ${name}: ip ${args.join(' ')}: ${messageOf(error)}`);
      return false;
    }
  };
  if (one.mtu !== undefined) await attempt('link', 'set', name, 'mtu', String(one.mtu));
  await attempt('link', 'set', name, 'up');
  let has = false;
  for (const address of one.addresses) {
    // `nodad` makes an IPv6 address usable at once: duplicate detection may be held up by a loop or a switch.
    const more = address.includes(':') ? ['nodad'] : [];
    has = (await attempt('addr', 'add', address, 'dev', name, ...more)) || has;
  }
  for (const { to, via } of one.routes) await attempt('route', 'add', to, 'via', via, 'dev', name);
  if (has) say(`${name}: ${one.addresses.join(', ')}`);
  return has && !one.dhcp;
}

/** Drivers of NICs may load late. */
async function named(mac: string, { list, wait }: StaticNetworkParts): Promise<string | undefined> {
  for (const end = performance.now() + wait; ; await sleep(200)) {
    const found = list().find((one) => one.mac_address.toLowerCase() === mac);
    if (found || performance.now() >= end) return found?.name;
  }
}

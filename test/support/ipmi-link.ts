import type { IpmiSettings } from '../../src/config/section/ipmi.js';
import { BmcCalls } from '../../src/driver/ipmi/bmc-calls.js';
import { Ipmitool } from '../../src/driver/ipmi/ipmitool.js';
import { IpmitoolLink } from '../../src/driver/ipmi/ipmitool-link.js';
import { LinkChoice } from '../../src/driver/ipmi/link-choice.js';
import { NativeLink } from '../../src/driver/ipmi/native/native-link.js';
import { BmcSockets } from '../../src/driver/ipmi/native/sockets.js';
import { Shadow } from '../../src/driver/ipmi/shadow.js';
import type { Command, CommandResult } from '../../src/platform/run-command.js';

/** Values of `ipmi.link` that the driver's tests run with. */
export const LINKS = ['ipmitool', 'auto'] as const;
export type LinkName = IpmiSettings['link'];

const quiet = { info: () => {}, warn: () => {}, error: () => {} };

/** The link as the daemon composes it. @param parts.now the clock of the choice */
export function testLink(
  settings: IpmiSettings,
  directory: string,
  parts: { run?: (command: Command) => Promise<CommandResult>; now?: () => number } = {},
): LinkChoice {
  const calls = new BmcCalls(settings);
  const sockets = new BmcSockets({ packetsPerSecond: settings.max_packets_per_second, log: quiet });
  const { run, now } = parts;
  const ipmitool = new Ipmitool({ settings, calls, runtimeDirectory: directory, ...(run ? { run } : {}) });
  return new LinkChoice({
    settings,
    native: new NativeLink({ settings, calls, sockets }),
    ipmitool: new IpmitoolLink(ipmitool),
    ...(settings.shadow_share > 0 ? { shadow: new Shadow(settings.shadow_share) } : {}),
    ...(now ? { now } : {}),
  });
}

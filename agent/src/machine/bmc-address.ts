import { isIP } from 'node:net';
import { messageOf } from '../error.js';
import { runProgram } from '../run-program.js';

export interface BmcAddresses {
  ipv4: string | null;
  ipv6: string | null;
}

/** LAN channels of a BMC (IPMI 2.0 §6.3); upstream tries the same number. */
const CHANNELS = 11;
const EMPTY = ['0.0.0.0', '::'];

/**
 * Asks the local BMC by ipmitool, channel by channel, for its first valid address (ironic_python_agent/hardware.py,
 * get_bmc_address and get_bmc_v6address).
 */
export async function readBmcAddresses(run: typeof runProgram = runProgram): Promise<BmcAddresses> {
  const found: BmcAddresses = { ipv4: null, ipv6: null };
  for (const module of ['ipmi_devintf', 'ipmi_si']) {
    await run('modprobe', ['-q', module], { timeout: 20_000 }).catch(() => undefined); // no BMC, or built in
  }
  for (let channel = 1; channel <= CHANNELS; channel++) {
    let text: string;
    try {
      text = (await run('ipmitool', ['lan', 'print', String(channel)], { timeout: 20_000 })).stdout;
    } catch (error) {
      // Without a BMC device no channel answers; a channel without LAN is skipped.
      if (/could not open device/i.test(messageOf(error))) break;
      continue;
    }
    found.ipv4 ??= addressIn(text, /^IP Address\s*:\s*(\S+)/m, 4);
    if (found.ipv6 === null) {
      const six = await run('ipmitool', ['lan6', 'print', String(channel), 'dynamic_addr'], {
        timeout: 20_000,
      }).catch(
        () => undefined, // BMCs without IPv6 do not have the command
      );
      found.ipv6 = addressIn(six?.stdout ?? '', /^\s*Address\s*:\s*([0-9a-f:]+)/im, 6);
    }
    if (found.ipv4 !== null) break;
  }
  return found;
}

function addressIn(text: string, pattern: RegExp, family: 4 | 6): string | null {
  const address = pattern.exec(text)?.[1];
  return address !== undefined && isIP(address) === family && !EMPTY.includes(address) ? address : null;
}

import { selectRootDevice } from '../../../src/domain/root-device/match.js';
import type { AgentSettings } from '../../../src/protocol/agent/kernel-parameters.js';
import { type UncheckedObject } from '../../../src/protocol/agent/malformed-body.js';
import { isObject } from '../../../src/protocol/json.js';
import type { AgentLog } from '../agent-log.js';
import type { ApiAnswer } from '../api-client.js';
import { AgentStopped, messageOf } from '../error.js';
import { systemLogs } from '../extension/log.js';
import { HARDWARE_MANAGER_VERSION } from '../extension/step.js';
import { plainDisk } from '../machine/inventory.js';
import type { Machine } from '../machine/machine.js';
import { listPciDevices } from '../machine/pci-device.js';

export interface InspectionTools {
  settings: AgentSettings;
  log: AgentLog;
  machine: Machine;
  describe: () => Promise<UncheckedObject>;
  /** @throws Error when there is no answer */
  post: (url: string, body: unknown) => Promise<ApiAnswer>;
  /** ms between attempts; default: upstream's. */
  pause?: (attempt: number) => number;
}

const ATTEMPTS = 5;
const DHCP_LOOK = 2_000;

type Collector = (data: Record<string, unknown>, tools: InspectionTools) => Promise<void>;

/** Names are upstream's (entry points ironic_python_agent.inspector.collectors). */
const COLLECTORS: Readonly<Record<string, Collector>> = {
  default: collectDefault,
  logs: async (data, { describe }) => {
    data['logs'] = await systemLogs(describe);
  },
  'pci-devices': async (data) => {
    data['pci_devices'] = listPciDevices();
  },
};

/** Collects facts about the machine and posts them (ironic_python_agent/inspector.py). */
export class Inspection {
  constructor(private readonly tools: InspectionTools) {}

  /**
   * Failures are included in the report first, then thrown.
   * @returns the node's UUID, when the answer has it
   * @throws AgentStopped
   */
  async run(): Promise<string | undefined> {
    const { settings, log } = this.tools;
    const data: Record<string, unknown> = {};
    const failures: string[] = [];
    log.say(`inspecting, collectors ${settings.inspectionCollectors.join(', ')}`);
    for (const name of settings.inspectionCollectors) {
      try {
        const collector = Object.hasOwn(COLLECTORS, name) ? COLLECTORS[name] : undefined;
        if (!collector) throw new Error('this agent has no such collector');
        await collector(data, this.tools);
      } catch (error) {
        failures.push(`collector ${name} failed: ${messageOf(error)}`);
      }
    }
    data['error'] = failures.length === 0 ? null : failures.join('; ');
    const answer = await this.post(data);
    if (failures.length > 0) throw new AgentStopped(`inspection failed: ${failures.join('; ')}`);
    if (answer.status >= 400) {
      throw new AgentStopped(`inspection was refused: ${answer.status} ${answer.text}`);
    }
    const uuid = isObject(answer.body) ? answer.body['uuid'] : undefined;
    return typeof uuid === 'string' ? uuid : undefined;
  }

  /** Retries when there is no answer, a busy or a failing API; any other answer is final. */
  private async post(data: unknown): Promise<ApiAnswer> {
    const { settings, log, post, pause = upstreamPause } = this.tools;
    for (let attempt = 1; ; attempt++) {
      let why = '';
      for (const url of settings.inspectionUrls) {
        try {
          const answer = await post(url, data);
          if (answer.status < 500 && answer.status !== 409) return answer;
          why = `${url}: ${answer.status} ${answer.text}`;
          break;
        } catch (error) {
          why = `${url}: ${messageOf(error)}`;
        }
      }
      if (attempt >= ATTEMPTS) throw new AgentStopped(`what was found could not be posted: ${why}`);
      log.say(`inspection: ${why}; again`);
      await sleep(pause(attempt));
    }
  }
}

async function collectDefault(data: Record<string, unknown>, tools: InspectionTools): Promise<void> {
  const { settings, machine, describe } = tools;
  await waitForDhcp(tools);
  data['inventory'] = await describe();
  const root = selectRootDevice(machine.listBlockDevices(), undefined);
  if (root) data['root_disk'] = plainDisk(root);
  data['boot_interface'] = settings.bootMac ?? null;
  data['configuration'] = {
    collectors: settings.inspectionCollectors,
    managers: Object.entries(HARDWARE_MANAGER_VERSION).map(([name, version]) => ({ name, version })),
  };
}

/** Waits for addresses, since a NIC without one looks unused. A missing address is not an error. */
async function waitForDhcp({ settings, machine, log }: InspectionTools): Promise<void> {
  const { inspectionDhcpWaitTimeout: timeout, inspectionDhcpAllInterfaces: all, bootMac } = settings;
  if (timeout === 0 || (!all && bootMac === undefined)) return;
  for (const until = Date.now() + timeout * 1000; ; ) {
    const missing = machine
      .listNetworkInterfaces()
      .filter((nic) => (all || nic.mac_address.toLowerCase() === bootMac) && nic.ipv4_address === null);
    if (missing.length === 0) return;
    if (Date.now() > until) {
      log.say(`no address after ${timeout} s: ${missing.map((nic) => nic.name).join(', ')}`);
      return;
    }
    await sleep(DHCP_LOOK);
  }
}

/** Exponential, from 5 to 30 s. */
function upstreamPause(attempt: number): number {
  return Math.min(Math.max(1.5 * 2 ** (attempt - 1), 5), 30) * 1000;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

import { describe, expect, it } from 'vitest';
import { deploySection } from '../../../src/config/section/deploy.js';
import { driverSection } from '../../../src/config/section/driver.js';
import { fakeSection } from '../../../src/config/section/fake.js';
import { UnsupportedError } from '../../../src/domain/errors.js';
import type { Startable } from '../../../src/driver/contract/implementation.js';
import type { ManagementInterface } from '../../../src/driver/contract/management.js';
import { FAKE_HARDWARE } from '../../../src/driver/hardware-type/fake-hardware.js';
import {
  fakeImplementations,
  mergeImplementations,
  noopImplementations,
} from '../../../src/driver/implementations.js';
import { InertInterface } from '../../../src/driver/noop/passive.js';
import { DriverRegistry } from '../../../src/driver/registry.js';
import { createLogger } from '../../../src/platform/logger.js';

const NODE = {
  enabled_hardware_types: ['fake-hardware'],
  enabled_boot_interfaces: ['fake'],
  enabled_deploy_interfaces: ['fake'],
  enabled_inspect_interfaces: ['fake'],
  enabled_management_interfaces: ['needy-management'],
  enabled_power_interfaces: ['fake'],
  enabled_raid_interfaces: ['fake'],
  enabled_rescue_interfaces: ['fake'],
  enabled_storage_interfaces: ['needy', 'other'],
  enabled_vendor_interfaces: ['fake'],
  enabled_bios_interfaces: ['no-bios', 'fake'],
  enabled_firmware_interfaces: ['no-firmware', 'fake'],
};

class Needy extends InertInterface {
  constructor(
    name: string,
    readonly needs: Startable,
  ) {
    super(name);
  }
}

const named = (name: string): ManagementInterface => ({
  name,
  properties: {},
  validate: async () => {},
  supportedBootDevices: () => [],
  getBootDevice: async () => ({ boot_device: null, persistent: null }),
  setBootDevice: async () => {},
});

/** Storage `needy` and `other`, and a management interface that shares the first one's need. */
function bench(faults: { start?: Error; stop?: Error } = {}, enabled: string[] = ['needy', 'other']) {
  const calls: string[] = [];
  const lines: string[] = [];
  const need = (name: string, fails: typeof faults = {}): Startable => ({
    name,
    start: async () => {
      calls.push(`start ${name}`);
      if (fails.start) throw fails.start;
      return '1.2.3';
    },
    stop: async (hurry) => {
      calls.push(`stop ${name}${hurry ? ' in a hurry' : ''}`);
      if (fails.stop) throw fails.stop;
    },
  });
  const shared = need('shared', { ...(faults.stop ? { stop: faults.stop } : {}) });
  const supports = {
    ...FAKE_HARDWARE.supports,
    management: ['needy-management'],
    storage: ['needy', 'other', 'unused'],
  };
  const registry = new DriverRegistry({
    hardwareTypes: [{ ...FAKE_HARDWARE, supports }],
    settings: driverSection.parse({ ...NODE, enabled_storage_interfaces: enabled }),
    implementations: mergeImplementations(
      noopImplementations(),
      fakeImplementations({
        deploy: deploySection.parse(undefined),
        journalDirectory: null,
        delays: fakeSection.parse(undefined),
      }),
      {
        management: [{ ...named('needy-management'), needs: shared }],
        storage: [
          new Needy('needy', shared),
          new Needy('other', need('second', faults.start ? { start: faults.start } : {})),
          new Needy('unused', need('third')),
        ],
      },
    ),
  });
  return { registry, calls, lines, log: createLogger('info', { write: (line) => void lines.push(line) }) };
}

describe('what implementations need', () => {
  it('is started once each, for what is enabled alone, and stopped in the reverse order', async () => {
    const { registry, calls, lines, log } = bench();
    await registry.start(log);
    expect(calls).toEqual(['start shared', 'start second']);
    expect(lines.join('')).toContain('driver: shared 1.2.3');
    await registry.stop(log, AbortSignal.abort());
    expect(calls.slice(2)).toEqual(['stop second in a hurry', 'stop shared in a hurry']);
    await registry.stop(log);
    expect(calls).toHaveLength(4);
  });

  it('is not started for an implementation that is built and not enabled', async () => {
    const { registry, calls, log } = bench({}, ['needy']);
    await registry.start(log);
    expect(calls).toEqual(['start shared']);
  });

  it('names who needs what does not start, and stops what had started', async () => {
    const { registry, calls, log } = bench({ start: new UnsupportedError('second: is not installed.') });
    await expect(registry.start(log)).rejects.toMatchObject({
      code: 'unsupported',
      message: 'These enabled interfaces cannot work here: storage other. second: is not installed.',
    });
    expect(calls).toEqual(['start shared', 'start second', 'stop shared']);
  });

  it('leaves an error that nobody foresaw with its own stack', async () => {
    const fault = new TypeError('undefined is no function');
    await expect(bench({ start: fault }).registry.start(bench().log)).rejects.toBe(fault);
  });

  it('that does not stop is logged, and holds up nothing', async () => {
    const { registry, calls, lines, log } = bench({ stop: new Error('the other side hangs') });
    await registry.start(log);
    await registry.stop(log);
    expect(calls.slice(2)).toEqual(['stop second', 'stop shared']);
    expect(lines.join('')).toContain('the other side hangs');
  });
});

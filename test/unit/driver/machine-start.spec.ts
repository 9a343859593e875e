import { describe, expect, it } from 'vitest';
import { FerricError, UnsupportedError } from '../../../src/domain/errors.js';
import type { BootMode } from '../../../src/domain/node/boot-device.js';
import type { BootTarget } from '../../../src/driver/contract/boot.js';
import { withoutLeftBehind } from '../../../src/driver/contract/internal-info.js';
import type { FirmwareBoot, ManagementInterface } from '../../../src/driver/contract/management.js';
import type { StepContext } from '../../../src/driver/contract/step.js';
import {
  bootFrom,
  bootFromInstance,
  markOfCleanUp,
  markOfStep,
  startMachine,
} from '../../../src/driver/machine-start.js';
import { DriverBench } from '../../support/driver-context.js';

interface Firmware {
  mode: BootMode;
  unreadable?: boolean;
  unsettable?: boolean;
}

function machine(
  options: { firmware?: Firmware; device?: Error; instance?: BootTarget | null; keepsPower?: boolean } = {},
) {
  const acts: string[] = [];
  let state = 'power on';
  const bench = new DriverBench({ disable_power_off: options.keepsPower ?? false });
  const { firmware } = options;
  const firmwareBoot: Partial<FirmwareBoot> = {
    getBootMode: async () => {
      if (firmware?.unreadable) throw new UnsupportedError('no boot mode');
      return firmware!.mode;
    },
    setBootMode: async (_context, mode) => {
      if (firmware?.unsettable) throw new UnsupportedError('the boot mode cannot be set');
      acts.push(`mode ${mode}`);
    },
  };
  const management: Partial<ManagementInterface> = {
    setBootDevice: async (_context, device, persistent, uri) => {
      if (options.device) throw options.device;
      acts.push(`${device} ${persistent ? 'persistent' : 'once'}${uri === undefined ? '' : ` ${uri}`}`);
    },
    ...(firmware ? { firmwareBoot: firmwareBoot as FirmwareBoot } : {}),
  };
  const context = bench.context({
    management,
    boot: {
      prepareInstance: async () => {
        acts.push('prepare instance');
        return options.instance ?? null;
      },
    },
    power: {
      getPowerState: async () => state,
      setPowerState: async (_context: StepContext, target: string) => void acts.push(target),
    },
  } as never);
  const power = (now: string) => {
    state = now;
  };
  return { acts, bench, context, power };
}

const CD: BootTarget = { device: 'cdrom', persistent: false, mode: 'uefi' };

describe('what a machine starts from', () => {
  it('is set by the management interface, the boot mode first', async () => {
    const { acts, context } = machine({ firmware: { mode: 'bios' } });
    await bootFrom(context, CD);
    await bootFrom(context, { device: 'uefihttp', persistent: true, uri: 'http://10.0.0.1/a.iso' });
    expect(acts).toEqual(['mode uefi', 'cdrom once', 'uefihttp persistent http://10.0.0.1/a.iso']);
  });

  it('leaves a mode that is right, and machines whose mode nobody can set', async () => {
    for (const firmware of [{ mode: 'uefi' } as const, undefined]) {
      const { acts, context } = machine(firmware ? { firmware } : {});
      await bootFrom(context, CD);
      expect(acts).toEqual(['cdrom once']);
    }
    const { acts, bench, context } = machine({ firmware: { mode: 'bios', unsettable: true } });
    await bootFrom(context, CD);
    expect(acts).toEqual(['cdrom once']);
    expect(bench.lines.join('')).toContain('the boot mode is left to the firmware');
  });

  it('sets a mode that cannot be read', async () => {
    const { acts, context } = machine({ firmware: { mode: 'uefi', unreadable: true } });
    await bootFrom(context, CD);
    expect(acts).toEqual(['mode uefi', 'cdrom once']);
  });

  it('is left to the firmware where the BMC cannot set disk or network, and nothing else is', async () => {
    const device = new UnsupportedError('no boot flags');
    for (const named of ['pxe', 'disk'] as const) {
      const { bench, context } = machine({ device });
      await bootFrom(context, { device: named, persistent: false });
      expect(bench.lines.join('')).toContain('the boot device is left to the firmware');
    }
    await expect(bootFrom(machine({ device }).context, CD)).rejects.toBe(device);
    const silent = new FerricError('bmc-unreachable', 'the BMC does not answer');
    const pxe = { device: 'pxe', persistent: false } as const;
    await expect(bootFrom(machine({ device: silent }).context, pxe)).rejects.toBe(silent);
  });

  it('is nothing that the BMC is told of where the boot interface names none', async () => {
    const { acts, context } = machine({ firmware: { mode: 'bios' } });
    await bootFromInstance(context);
    expect(acts).toEqual(['prepare instance']);
  });

  describe('where it must not lose power', () => {
    const marked = (isBegun: boolean) => {
      const told: string[] = [];
      const bed = machine({ keepsPower: true });
      const begin = async () => void bed.acts.push('begun');
      return { ...bed, told, reset: { isBegun, begin, tell: async (text: string) => void told.push(text) } };
    };

    it('is reset into it, and the begin is kept first; any other machine is switched on', async () => {
      const running = marked(false);
      await startMachine(running.context, running.reset);
      const stopped = machine();
      await startMachine(stopped.context, running.reset);
      expect([...running.acts, ...stopped.acts]).toEqual(['begun', 'rebooting', 'power on']);
    });

    it('is not reset again where the reset was begun, and the operator is told', async () => {
      const { acts, context, reset, told } = marked(true);
      await startMachine(context, reset);
      expect(acts).toEqual([]);
      expect(told).toEqual([expect.stringMatching(/is not reset a second time/)]);
    });

    it('is switched on where a reset that was begun left it off', async () => {
      const bed = marked(true);
      bed.power('power off');
      await startMachine(bed.context, bed.reset);
      expect([bed.acts, bed.told]).toEqual([['power on'], []]);
    });

    it('is known as reset by the step’s checkpoint, or, in a clean-up, by the node', async () => {
      const { bench, context } = machine({ keepsPower: true });
      expect([markOfStep(context).isBegun, markOfCleanUp(context).isBegun]).toEqual([false, false]);
      await markOfStep(context, { phase: 'booting' }).begin();
      await markOfCleanUp(context).begin();
      expect(bench.saved).toEqual({ phase: 'booting', reset: true });
      const next = bench.context();
      expect([markOfStep(next).isBegun, markOfCleanUp(next).isBegun]).toEqual([true, true]);
      // The next operation knows nothing of it.
      expect(withoutLeftBehind(bench.committed, 'deploy')).not.toHaveProperty('clean_up_reset');
    });
  });
});

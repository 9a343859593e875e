import { describe, expect, it } from 'vitest';
import { bootModeOf, capabilitiesOf } from '../../../src/driver/capabilities.js';

describe('capabilities', () => {
  it.each([
    ['boot_mode:uefi,raid:yes', { boot_mode: 'uefi', raid: 'yes' }],
    [' boot_mode:bios , , broken', { boot_mode: 'bios' }],
    [
      { boot_mode: 'bios', secure_boot: true },
      { boot_mode: 'bios', secure_boot: 'true' },
    ],
    ['{"boot_mode": "uefi"}', { boot_mode: 'uefi' }],
    ['{broken', {}],
    [null, {}],
    [undefined, {}],
    [['x'], {}],
  ])('reads %j', (value, wanted) => expect(capabilitiesOf(value)).toEqual(wanted));

  it('the instance’s boot mode is stronger than the node’s, and the default the weakest', () => {
    const node = (instance?: string, own?: string) => ({
      instance_info: { capabilities: instance ? { boot_mode: instance } : null },
      properties: { capabilities: own ? `boot_mode:${own}` : null },
    });
    expect(bootModeOf(node('bios', 'uefi'), 'uefi')).toBe('bios');
    expect(bootModeOf(node(undefined, 'bios'), 'uefi')).toBe('bios');
    expect(bootModeOf(node(), 'uefi')).toBe('uefi');
    expect(bootModeOf(node('coreboot'), 'uefi')).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { bootedMac, identifyingMacs, isBmcCard } from '../../../../src/domain/node/machine-macs.js';

describe('identifyingMacs', () => {
  const [maker, other, local] = ['a4:bf:01:00:00:01', 'b0:26:28:00:00:02', 'be:3a:f2:b6:05:9f'];
  it('are a maker’s before local ones, and local ones where there are no others', () => {
    expect(identifyingMacs([maker, local], [])).toEqual([maker]);
    expect(identifyingMacs([local], [])).toEqual([local]);
    expect(identifyingMacs(['52:54:00:00:00:01', '52:54:00:00:00:02'], [])).toHaveLength(2);
  });
  it('leave out what is configured, whole or by its beginning', () => {
    expect(identifyingMacs([maker, other], [maker])).toEqual([other]);
    expect(identifyingMacs([maker, local], ['a4:bf:01'])).toEqual([local]);
  });
  it('hold the one that the machine booted from', () => {
    expect(identifyingMacs([maker, local], [], local)).toEqual([maker, local]);
  });
});

it('a BMC’s card is told by its driver, else by its name', () => {
  expect(isBmcCard({ name: 'eth3', driver: 'cdc_ether', pci_address: null })).toBe(true);
  expect(isBmcCard({ name: 'eth0', driver: 'ixgbe', pci_address: '0000:3b:00.0' })).toBe(false);
  expect(isBmcCard({ name: 'enxbe3af2b6059f' })).toBe(true);
  expect(isBmcCard({ name: 'usb0', driver: '' })).toBe(true);
  expect(isBmcCard({ name: 'enp59s0f0', driver: null })).toBe(false);
  expect(isBmcCard({})).toBe(false);
});

it('knows how PXE writes what was booted from', () => {
  expect(bootedMac({ boot: { pxe_interface: '01-A4-BF-01-00-00-01' } })).toBe('a4:bf:01:00:00:01');
  expect(bootedMac({ boot: { pxe_interface: 'a4:bf:01:00:00:01' } })).toBe('a4:bf:01:00:00:01');
  expect([bootedMac({}), bootedMac({ boot: null }), bootedMac({ boot: { pxe_interface: 5 } })]).toEqual([
    null,
    null,
    null,
  ]);
});

import { expect, it } from 'vitest';
import { interfaceNumber } from '../../../../src/netboot/dhcp/interface-addresses.js';

const failing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: x`), { code });
};

it('knows the number of an interface, and one that is not there', () => {
  expect(interfaceNumber('lo')).toBeGreaterThan(0);
  expect(interfaceNumber('nosuch0')).toBeNull();
  expect(interfaceNumber('eth9', failing('ENODEV'))).toBeNull();
});

it.each([
  ['EMFILE', 'the process has no file descriptor left'],
  ['ENFILE', 'the machine has no file descriptor left'],
  ['EACCES', 'EACCES'],
])('does not take %s for an interface that is gone', (code, words) => {
  expect(() => interfaceNumber('eth1', failing(code))).toThrow(
    `The network interface eth1 cannot be looked up: ${words}`,
  );
});

import { describe, expect, it } from 'vitest';
import { parseTarget, prepareCall } from '../../../../src/driver/ipmi/arguments.js';

const CANARY = 'canary-bmc-password';
const GOOD = { ipmi_address: '10.0.0.1', ipmi_username: 'admin', ipmi_password: CANARY };
const USUAL = { seconds: 2, sends: 1 };
const faultsOf = (info: object): string => {
  try {
    parseTarget({ ...GOOD, ...info });
  } catch (error) {
    return (error as Error).message;
  }
  return '';
};

describe('ipmitool arguments', () => {
  it('has what every call has, the password in the environment alone', () => {
    const call = prepareCall(parseTarget(GOOD), ['power', 'status'], USUAL);
    expect(call.args.join(' ')).toBe(
      '-I lanplus -H 10.0.0.1 -p 623 -L ADMINISTRATOR -U admin -R 1 -N 2 -v -E power status',
    );
    expect(call.env).toEqual({ IPMITOOL_PASSWORD: CANARY, LANG: 'C' });
    expect(call.stdin).toBeUndefined();
  });

  it('has every option of the contract', () => {
    const target = parseTarget({
      ...GOOD,
      ipmi_port: '6230',
      ipmi_priv_level: 'OPERATOR',
      ipmi_cipher_suite: '17',
      ipmi_hex_kg_key: '6b67ff0100',
      ipmi_bridging: 'dual',
      ipmi_local_address: '0x20',
      ipmi_transit_channel: 0,
      ipmi_transit_address: '0x82',
      ipmi_target_channel: '7',
      ipmi_target_address: '0x72',
      ipmi_force_boot_device: 'True',
      ipmi_disable_boot_timeout: false,
    });
    const call = prepareCall(target, ['power', 'on'], { seconds: 5, sends: 3 });
    expect(call.args.join(' ')).toBe(
      '-I lanplus -H 10.0.0.1 -p 6230 -L OPERATOR -U admin -C 17 -m 0x20 -B 0x00 -T 0x82 -b 0x07 -t 0x72 -R 3 -N 5 -v -E -Y power on',
    );
    expect(call.stdin).toEqual(Uint8Array.of(0x6b, 0x67, 0xff, 0x01, 0x0a));
    expect(target).toMatchObject({ forceBootDevice: true, disableBootTimeout: false });
  });

  it('speaks IPMI 1.5, single bridging, and to NULL users', () => {
    const target = parseTarget({
      ipmi_address: 'fe80::1%eth0',
      ipmi_protocol_version: 1.5,
      ipmi_bridging: 'single',
      ipmi_target_channel: 1,
      ipmi_target_address: 130,
      ipmi_transit_channel: 'ignored',
    });
    expect(prepareCall(target, ['mc', 'info'], USUAL, 17).args.join(' ')).toBe(
      '-I lan -H fe80::1%eth0 -p 623 -L ADMINISTRATOR -b 0x01 -t 0x82 -R 1 -N 2 -v -E mc info',
    );
    expect(parseTarget({ ...GOOD, ipmi_protocol_version: 2 }).protocol).toBe('2.0');
  });

  it('names the cipher suite that is known of the BMC, where driver_info names none', () => {
    const suiteIn = (info: object) => {
      const { args } = prepareCall(parseTarget({ ...GOOD, ...info }), ['power', 'on'], USUAL, 3);
      return args[args.indexOf('-C') + 1];
    };
    expect(suiteIn({})).toBe('3');
    expect(suiteIn({ ipmi_cipher_suite: 17 })).toBe('17');
  });

  it('names every faulty field at once, and no secret', () => {
    const message = faultsOf({
      ipmi_address: '',
      ipmi_username: 'seventeen-letters',
      ipmi_password: `${CANARY}-too-long`,
      ipmi_port: 70000,
      ipmi_priv_level: 'ROOT',
      ipmi_protocol_version: '3.0',
      ipmi_cipher_suite: 'x',
      ipmi_hex_kg_key: 'abc',
      ipmi_bridging: 'single',
      ipmi_force_boot_device: 'maybe',
    });
    for (const field of [
      "['ipmi_address']",
      'ipmi_username is longer than 16 bytes',
      'ipmi_password is longer than 20 bytes',
      'ipmi_port must be a number from 1 to 65535',
      'ipmi_priv_level must be one of ADMINISTRATOR, CALLBACK, OPERATOR, USER',
      'ipmi_protocol_version must be one of 2.0, 1.5',
      'ipmi_cipher_suite must be a number',
      'ipmi_hex_kg_key must be 1 to 20 bytes',
      'ipmi_target_channel is missing; ipmi_bridging is single',
      'ipmi_target_address is missing',
      'ipmi_force_boot_device must be true or false',
    ]) {
      expect(message).toContain(field);
    }
    expect(message).not.toContain('canary');
  });

  it.each([
    '-f/etc/shadow',
    'a b',
    'host\n',
    '$(id)',
    'a;id',
    '127.1',
    '2130706433',
    '0x7f.1',
    '-oops.example',
    'x'.repeat(254),
    'ⓔxample.com',
    7,
  ])('refuses the address %j', (ipmi_address) => {
    expect(faultsOf({ ipmi_address })).toContain('ipmi_address must be a valid IP address or hostname');
  });

  it.each(['bmc_1.rack.example', 'bmc', '::1', 'ipmi.server.net', '10-0-0-1.example.'])(
    'takes the address %j',
    (ipmi_address) => expect(faultsOf({ ipmi_address })).toBe(''),
  );

  it.each([0, 1, 2, '0'])('refuses the unprotected cipher suite %j', (ipmi_cipher_suite) => {
    expect(faultsOf({ ipmi_cipher_suite })).toContain('leaves the session unprotected');
  });

  it.each([
    ['ipmi_cipher_suite', 12],
    ['ipmi_username', '-E'],
    ['ipmi_username', 'a\u0000b'],
    ['ipmi_password', 'a\nb'],
    ['ipmi_hex_kg_key', '0a0b'],
    ['ipmi_hex_kg_key', '010002'],
  ])('refuses %s %j', (field, value) => {
    expect(faultsOf({ [field]: value })).toContain(field);
  });

  it('keeps shell metacharacters as the literal arguments they are', () => {
    const call = prepareCall(
      parseTarget({ ...GOOD, ipmi_username: 'a;touch /tmp/p' }),
      ['power', 'status'],
      USUAL,
    );
    expect(call.args).toContain('a;touch /tmp/p');
  });
});

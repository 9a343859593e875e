import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceOf } from '../../../../src/driver/ipmi/boot-device.js';
import { setBootDevice } from '../../../../src/driver/ipmi/commands.js';
import {
  parseBootFlags,
  parseFault,
  parsePowerStatus,
  parseRawAnswer,
  parseVersion,
  wasWithoutSession,
} from '../../../../src/driver/ipmi/output.js';

// As ipmitool 1.8.19 printed them.
const NOISE =
  'Loading IANA PEN Registry...\nUsing best available cipher suite 17\n\nRunning Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\nInvalid completion code received: Invalid command\nDiscovered IPMB address 0x0\n';
const SESSION = 'Error: Unable to establish IPMI v2 / RMCP+ session\n';

/** What a run that ended at once says. @param retryable see `parseFault` */
function faultOf(stderr: string, retryable?: readonly string[]) {
  return parseFault({ stderr, duration: 100, seconds: 1 }, retryable);
}

describe('parseFault', () => {
  it.each([
    [
      'dead BMC',
      `Loading IANA PEN Registry...\nGet Auth Capabilities error\nError issuing Get Channel Authentication Capabilities request\n${SESSION}`,
      'bmc-unreachable',
      'silent',
    ],
    ['wrong password', `${NOISE}> RAKP 2 HMAC is invalid\n${SESSION}`, 'bmc-authentication', undefined],
    [
      'late answers that look like a wrong password',
      `Loading IANA PEN Registry...\nUnable to Get Channel Cipher Suites\nIPMI Request Match NOT FOUND\n> Error: no response from RAKP 1 message\n> RAKP 2 HMAC is invalid\n${SESSION}`,
      'bmc-unreachable',
      'silent',
    ],
    [
      'unknown user',
      `RAKP 2 message indicates an error : unauthorized name\n${SESSION}`,
      'bmc-authentication',
      undefined,
    ],
    [
      'missing privilege',
      `RAKP 2 message indicates an error : unauthorized role requested\n${SESSION}`,
      'bmc-authentication',
      undefined,
    ],
    [
      'IPMI 1.5: wrong password',
      'Activate Session command failed\nError: Unable to establish LAN session\nError: Unable to establish IPMI v1.5 / RMCP session\n',
      'bmc-authentication',
      undefined,
    ],
    [
      'IPMI 1.5: unknown user',
      'Invalid user name\nError: Unable to establish LAN session\n',
      'bmc-authentication',
      undefined,
    ],
    [
      'IPMI 1.5: missing privilege',
      'Activate Session error:\tRequested privilege level exceeds limit\nError: Unable to establish LAN session\n',
      'bmc-authentication',
      undefined,
    ],
    [
      'wrong Kg key',
      `Key: Loading IANA PEN Registry...\n> RAKP 4 message has invalid integrity check value\n${SESSION}`,
      'bmc-authentication',
      undefined,
    ],
    [
      'cipher suite',
      `Error in open session response message : invalid authentication algorithm\n\n${SESSION}`,
      'unsupported',
      undefined,
    ],
    [
      'no free session',
      `Error in open session response message : insufficient resources for session\n\n${SESSION}`,
      'bmc-failed',
      'busy',
    ],
    [
      'unknown command',
      `${NOISE}RAW REQ (channel=0x0 netfn=0x6 lun=0x0 cmd=0x99 data_len=0)\nUnable to send RAW command (channel=0x0 netfn=0x6 lun=0x0 cmd=0x99 rsp=0xc1): Invalid command\n`,
      'unsupported',
      undefined,
    ],
    [
      'refused boot device',
      `${NOISE}Set Chassis Boot Parameter 5 failed: Invalid data field in request\n`,
      'unsupported',
      undefined,
    ],
    [
      'present state',
      'Set Chassis Power Control to Reset failed: Command not supported in present state\n',
      'bmc-failed',
      undefined,
    ],
    ['busy', 'Get Chassis Power Status failed: Node busy\n', 'bmc-failed', 'busy'],
    ['name', 'Address lookup for nosuch.example failed\n', 'bmc-unreachable', 'silent'],
    ['no text', '', 'bmc-failed', undefined],
  ])('%s', (_, stderr, code, passing) => {
    expect(faultOf(stderr)).toMatchObject({ code, ...(passing ? { passing } : {}) });
    expect(faultOf(stderr).passing).toBe(passing);
  });

  // Recorded with four Open Session Responses lost or late (1.8.19): it goes on without a session, and the BMC refuses.
  it.each([
    [
      'Set Session Privilege Level',
      `${NOISE}Set Session Privilege Level to ADMINISTRATOR failed: Insufficient privilege level\n${SESSION}`,
      'bmc-authentication',
    ],
    [
      'a command, at level USER',
      `${NOISE}Get HPM.x Capabilities request failed, compcode = d4\nGet Chassis Power Status failed: Insufficient privilege level\n`,
      'bmc-authentication',
    ],
    [
      'a command, by a BMC that says it otherwise',
      `${NOISE}Set Chassis Power Control to Up/On failed: Command not supported in present state\n`,
      'bmc-failed',
    ],
  ])('a refusal that a lost login imitates: %s', (_, stderr, code) => {
    expect(parseFault({ stderr, duration: 4_100, seconds: 1 })).toMatchObject({
      code: 'bmc-unreachable',
      passing: 'silent',
      stage: 'session',
    });
    for (const run of [
      { duration: 3_900, seconds: 1 },
      { duration: 4_100, seconds: 1.5 },
    ]) {
      expect(parseFault({ stderr, ...run })).toMatchObject({ code });
      expect(parseFault({ stderr, ...run })).not.toHaveProperty('outside');
    }
  });

  it('nothing counts that ipmitool read from late answers to its logins', () => {
    const run = (text: string, duration = 100) => ({ stderr: `${NOISE}${text}\n`, duration, seconds: 1 });
    for (const text of [
      'Bad response length, len=52',
      'Invalid Get PICMG Properties group extension 0x6',
      'Invalid group extension 0x6',
    ]) {
      expect(wasWithoutSession(run(text))).toBe(true);
      expect(parseFault(run(text))).toMatchObject({ code: 'bmc-unreachable', stage: 'session' });
    }
    expect(wasWithoutSession(run('Bad response length, len=1'))).toBe(false);
    const refused = 'Get Device ID command failed: 0xd4 Insufficient privilege level';
    expect(wasWithoutSession(run(refused))).toBe(false); // a session of level CALLBACK
    expect(wasWithoutSession(run(refused, 4_100))).toBe(true);
  });

  it('takes the probe for vendor extensions, that every call makes, for no fault', () => {
    expect(faultOf(NOISE)).toEqual({ code: 'bmc-failed', message: 'ipmitool failed' });
  });

  it('tries again for the texts a site asks for', () => {
    expect(faultOf('odd vendor hiccup\n').passing).toBeUndefined();
    expect(faultOf('odd vendor hiccup\n', ['vendor hiccup']).passing).toBe('busy');
  });

  it('gives one short printable line whatever a BMC makes ipmitool print', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = Buffer.from(bytes).toString('latin1');
        expect(faultOf(text).message).toMatch(/^[\x20-\x7e’]{1,240}$/);
      }),
      { numRuns: 100 },
    );
    const started = performance.now();
    faultOf('Address lookup for '.repeat(3_400));
    faultOf(`${'Authentication type '.repeat(10)}\n`.repeat(300));
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});

describe('answers of ipmitool', () => {
  it('power', () => {
    expect(parsePowerStatus('Chassis Power is on\n')).toBe('power on');
    expect(parsePowerStatus('Chassis Power is off\n')).toBe('power off');
    expect(parsePowerStatus('Chassis Power is sleeping\n')).toBeUndefined();
  });

  it.each([
    ['c008000000', 'disk', true],
    ['a004000000', 'pxe', false],
    ['e024000000', 'disk', true],
    ['8014000000', 'cdrom', false],
    ['8018000000', 'bios', false],
    ['800c000000', 'safe', false],
    ['0004000000', null, null],
    ['8000000000', null, null],
  ])('boot flags %s', (bytes, boot_device, persistent) => {
    const stdout = `Boot parameter version: 1\nBoot parameter 5 is valid/unlocked\nBoot parameter data: ${bytes}\n Boot Flags :\n`;
    expect(deviceOf(parseBootFlags(stdout)!)).toEqual({ boot_device, persistent });
  });

  it('raw bytes, 16 a line', () => {
    expect(parseRawAnswer(' 20 01 03 51 02 bf 57 01 00 00 01 07 00 00 00 00\n 0a\n')).toHaveLength(17);
    expect(parseRawAnswer(' 20 Ff\n')).toEqual(Uint8Array.of(0x20, 0xff));
    expect(parseRawAnswer('\n')).toEqual(new Uint8Array());
    expect(parseRawAnswer('no bytes\n')).toBeUndefined();
  });

  it('knows a boot device that was not set, and a version', () => {
    const { success } = setBootDevice('disk', []);
    expect(success.test('Set Boot Device to disk\n')).toBe(true);
    expect(success.test('')).toBe(false);
    expect(parseBootFlags('nothing')).toBeUndefined();
    expect(parseVersion('ipmitool version 1.8.19\n')).toEqual([1, 8, 19]);
    expect(parseVersion('busybox')).toBeUndefined();
  });
});

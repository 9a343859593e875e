import { describe, expect, it } from 'vitest';
import { eraseMinutes, nvmeEraseMode, parseAtaSecurity } from '../../../../../agent/src/disk/secure-erase.js';

/** As hdparm 9.65 prints it. */
const identify = (...lines: string[]) =>
  `\nATA device, with non-removable media\n\tModel Number:       X\nSecurity: \n\tMaster password revision code = 65534\n${lines.join('\n')}\n\t2min for SECURITY ERASE UNIT. 2min for ENHANCED SECURITY ERASE UNIT.\nLogical Unit WWN Device Identifier: 5000\n\tnot\tsupported: enhanced erase\n`;

describe('parseAtaSecurity', () => {
  it('reads each fact by the word before it', () => {
    expect(
      parseAtaSecurity(
        identify(
          '\t\tsupported',
          '\tnot\tenabled',
          '\tnot\tlocked',
          '\tnot\tfrozen',
          '\tnot\texpired: security count',
          '\t\tsupported: enhanced erase',
        ),
      ),
    ).toEqual({ supported: true, enabled: false, locked: false, frozen: false, enhancedErase: true });
    expect(
      parseAtaSecurity(
        identify(
          '\t\tsupported',
          '\t\tenabled',
          '\t\tlocked',
          '\t\tfrozen',
          '\tnot\tsupported: enhanced erase',
        ),
      ),
    ).toEqual({ supported: true, enabled: true, locked: true, frozen: true, enhancedErase: false });
  });

  it('knows disks without the feature', () => {
    expect(parseAtaSecurity('\nATA device\n\tModel Number: QEMU HARDDISK\n')).toBeUndefined();
    expect(parseAtaSecurity(identify('\tnot\tsupported'))).toMatchObject({ supported: false });
  });
});

describe('eraseMinutes', () => {
  it.each([
    ['\t2min for SECURITY ERASE UNIT. 8min for ENHANCED SECURITY ERASE UNIT.', 2, 8],
    ['\t508min for SECURITY ERASE UNIT. 508min for ENHANCED SECURITY ERASE UNIT.', 508, 508],
    ['\tmore than 508min for SECURITY ERASE UNIT. 2min for ENHANCED SECURITY ERASE UNIT.', undefined, 2],
    [
      '\tmore than 508min for SECURITY ERASE UNIT. more than 508min for ENHANCED SECURITY ERASE UNIT.',
      undefined,
      undefined,
    ],
    ['\t20min for SECURITY ERASE UNIT.', 20, undefined],
    ['\tnot\tfrozen', undefined, undefined],
  ])('%j', (line, plain, enhanced) => {
    const text = identify('\t\tsupported').replace(/\t2min.*/, line);
    expect([eraseMinutes(text, false), eraseMinutes(text, true)]).toEqual([plain, enhanced]);
  });
});

describe('nvmeEraseMode', () => {
  it('prefers the crypto erase', () => {
    expect(nvmeEraseMode({ oacs: 0x12a & ~4, fna: 4 }, 'd')).toBe(2);
    expect(nvmeEraseMode({ oacs: 2, fna: 0 }, 'd')).toBe(1);
    expect(() => nvmeEraseMode({ oacs: 0xd, fna: 4 }, '/dev/nvme0n1')).toThrow(
      'did not return any supported format modes for device: /dev/nvme0n1',
    );
    expect(() => nvmeEraseMode({}, 'd')).toThrow();
  });
});

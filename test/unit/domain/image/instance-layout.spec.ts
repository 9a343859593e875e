import { describe, expect, it } from 'vitest';
import { labelFor, parseInstanceLayout } from '../../../../src/domain/image/instance-layout.js';

const parse = (fields: object, deployed?: Record<string, unknown>) =>
  parseInstanceLayout({ ...fields }, { ephemeralFormat: 'ext4' }, deployed);

describe('parseInstanceLayout', () => {
  it('counts as agents are told', () => {
    expect(parse({ root_gb: '10', swap_mb: 512, ephemeral_gb: 2 })).toEqual({
      root_gb: 10,
      root_mb: 10_240,
      swap_mb: 512,
      ephemeral_gb: 2,
      ephemeral_mb: 2048,
      ephemeral_format: 'ext4',
      preserve_ephemeral: false,
    });
    expect(parse({ root_gb: 1, ephemeral_format: 'xfs' }).ephemeral_format).toBeNull();
  });

  it.each<[object, RegExp]>([
    [{}, /Some parameters were missing in node's instance_info\. Missing are: \['root_gb'\]/],
    [{ root_gb: 'ten' }, /Invalid parameter root_gb\. Reason: ten is not an integer value/],
    [{ root_gb: 1, swap_mb: -1 }, /swap_mb\. Reason: -1 is not an integer/],
    [{ root_gb: 0 }, /root_gb: must be at least 1/],
    [{ root_gb: 10 ** 9 }, /more than any disk holds/],
    [{ root_gb: 1, ephemeral_gb: 1, ephemeral_format: 'ntfs' }, /ephemeral_format: must be one of/],
    [{ root_gb: 1, preserve_ephemeral: 'perhaps' }, /preserve_ephemeral: must be true or false/],
    [{ root_gb: 1, preserve_ephemeral: true }, /no ephemeral_gb to preserve/],
  ])('names what is wrong with %j', (fields, message) => {
    expect(() => parse(fields, { root_gb: 1, swap_mb: 0, ephemeral_gb: 0 })).toThrow(message);
  });

  it('keeps an ephemeral partition only where nothing else has moved', () => {
    const wanted = { root_gb: 2, swap_mb: 64, ephemeral_gb: 1, preserve_ephemeral: true };
    expect(parse(wanted, { root_gb: 2, swap_mb: 64, ephemeral_gb: 1 }).preserve_ephemeral).toBe(true);
    expect(() => parse(wanted, { root_gb: 2, swap_mb: 0, ephemeral_gb: 1 })).toThrow(
      'different values from previous deployment: Deployed value of swap_mb was 0 but requested value is 64.',
    );
    expect(() => parse(wanted)).toThrow('nothing is known of a deployment');
  });
});

describe('labelFor', () => {
  const layout = parse({ root_gb: 1, swap_mb: 1, ephemeral_gb: 1 });
  it('is gpt for UEFI and msdos for BIOS, unless it is named', () => {
    expect(labelFor(layout, 'uefi', undefined, true)).toBe('gpt');
    expect(labelFor(layout, 'bios', undefined, true)).toBe('msdos');
    expect(labelFor(layout, 'bios', 'gpt', true)).toBe('gpt');
    expect(() => labelFor(layout, 'bios', 'sun', true)).toThrow('disk_label must be msdos or gpt');
    expect(() => labelFor(layout, 'uefi', 'msdos', true)).toThrow('5 are asked for');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  agentSettings,
  BadKernelParameters,
  parseBootif,
  parseKernelCommandLine,
} from '../../../../src/protocol/agent/kernel-parameters.js';

describe('parseKernelCommandLine', () => {
  it('splits words as the kernel does', () => {
    const line =
      'nofb vga=normal ipa-api-url=http://10.0.0.1:6385/?a=b BOOTIF=01-aa "quoted word=x y" k="a b"\n';
    expect([...parseKernelCommandLine(line)]).toEqual([
      ['nofb', ''],
      ['vga', 'normal'],
      ['ipa-api-url', 'http://10.0.0.1:6385/?a=b'],
      ['BOOTIF', '01-aa'],
      ['quoted word', 'x y'],
      ['k', 'a b'],
    ]);
  });

  it('takes the last of equal keys and never throws', () => {
    expect(parseKernelCommandLine('a=1 a=2').get('a')).toBe('2');
    fc.assert(
      fc.property(fc.string(), (line) => {
        parseKernelCommandLine(line);
      }),
    );
  });
});

describe('parseBootif', () => {
  it.each([
    ['01-52-54-00-AA-00-01', '52:54:00:aa:00:01'],
    ['52:54:00:aa:00:01', '52:54:00:aa:00:01'],
    ['20-52-54-00-aa-00-01', '52:54:00:aa:00:01'], // InfiniBand's hardware type
    ['52-54-00-aa-00', undefined],
    ['', undefined],
  ])('%s → %s', (value, mac) => {
    expect(parseBootif(value)).toBe(mac);
  });
});

describe('agentSettings', () => {
  const read = (line: string) => agentSettings(parseKernelCommandLine(line));
  const faults = (line: string): readonly string[] => {
    try {
      read(line);
    } catch (error) {
      if (error instanceof BadKernelParameters) return error.faults;
      throw error;
    }
    return [];
  };

  it('has defaults for all but the URL', () => {
    expect(read('ipa-api-url=http://a:6385/,https://b')).toMatchObject({
      apiUrls: ['http://a:6385', 'https://b'],
      listenHost: '::',
      listenPort: 9999,
      advertisePort: 9999,
      lookupTimeout: 600,
      imageRetries: 9,
      insecure: false,
      guardSpecialFilesystems: true,
      tlsMinVersion: 'TLSv1.2',
      bootMac: undefined,
    });
  });

  it('reads what is given', () => {
    const line =
      'ipa-api-url=https://a ipa-insecure=1 ipa-debug ipa-listen-port=8443 ipa-tls-min-version=1.3 ' +
      'ipa-ironic-api-version=1.68 BOOTIF=01-52-54-00-AA-00-01 ipa-advertise-protocol=http';
    expect(read(line)).toMatchObject({
      insecure: true,
      debug: true,
      listenPort: 8443,
      advertisePort: 8443,
      tlsMinVersion: 'TLSv1.3',
      ironicApiMinor: 68,
      bootMac: '52:54:00:aa:00:01',
      advertiseProtocol: 'http',
    });
  });

  it('lists every fault at once', () => {
    expect(
      faults('ipa-insecure=perhaps ipa-listen-port=70000 BOOTIF=nonsense ipa-tls-min-version=1.0'),
    ).toEqual([
      'BOOTIF=nonsense: is not a MAC',
      'ipa-api-url: is missing; it must name the root URL of the Bare Metal API',
      'ipa-insecure=perhaps: must be true or false',
      'ipa-listen-port=70000: must be a number from 0 to 65535',
      'ipa-tls-min-version=1.0: must be 1.2 or 1.3',
    ]);
  });

  it('refuses to look for the API by multicast', () => {
    expect(faults('ipa-api-url=mdns')[0]).toContain('multicast DNS is not supported');
    expect(faults('ipa-use-mdns=1')[0]).toContain('multicast DNS is not supported');
    expect(faults('ipa-api-url=ftp://x')[0]).toContain('must be an http or https URL');
  });
});

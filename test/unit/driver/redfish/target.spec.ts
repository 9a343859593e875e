import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../../../src/driver/redfish/target.js';

const of = (info: object, internal: object = {}) =>
  parseTarget({ redfish_address: 'bmc.example', ...info } as never, internal as never);
const FINGERPRINT = 'AB:'.repeat(31) + 'AB';

describe('parseTarget', () => {
  it.each([
    ['192.0.2.1', 'https://192.0.2.1', '192.0.2.1', 443, '/redfish/v1/'],
    ['2001:db8::1', 'https://[2001:db8::1]', '2001:db8::1', 443, '/redfish/v1/'],
    ['https://[2001:db8::1]:8443', 'https://[2001:db8::1]:8443', '2001:db8::1', 8443, '/redfish/v1/'],
    ['http://bmc.example:8000', 'http://bmc.example:8000', 'bmc.example', 8000, '/redfish/v1/'],
    ['bmc.example/proxy/redfish/v1', 'https://bmc.example', 'bmc.example', 443, '/proxy/redfish/v1/'],
  ])('reads the address %s', (redfish_address, origin, address, port, root) => {
    expect(of({ redfish_address })).toMatchObject({ origin, address, port, root });
  });

  it('has Ironic’s defaults', () => {
    expect(of({})).toMatchObject({
      systemId: undefined,
      username: undefined,
      password: '',
      trust: { by: 'authorities', file: null },
      authType: undefined,
    });
  });

  it('quotes the system’s path, and leaves what is quoted', () => {
    expect(of({ redfish_system_id: '/redfish/v1/Systems/a b' }).systemId).toBe('/redfish/v1/Systems/a%20b');
    expect(of({ redfish_system_id: 'redfish/v1/Systems/a%20b' }).systemId).toBe('/redfish/v1/Systems/a%20b');
    expect(of({ redfish_system_id: '/redfish/v1/Systems/a?b' }).systemId).toBe('/redfish/v1/Systems/a%3Fb');
  });

  it.each([
    [{ redfish_verify_ca: true }, { by: 'authorities', file: null }],
    [{ redfish_verify_ca: 'False' }, { by: 'nothing' }],
    [{ redfish_verify_ca: '/etc/ferric/ca.pem' }, { by: 'authorities', file: '/etc/ferric/ca.pem' }],
    [{ redfish_pin_certificate: FINGERPRINT }, { by: 'pin', fingerprint: 'ab'.repeat(32) }],
    [
      { redfish_pin_certificate: true, redfish_verify_ca: false },
      { by: 'pin', fingerprint: null },
    ],
    [{ redfish_pin_certificate: false, redfish_verify_ca: false }, { by: 'nothing' }],
  ])('trusts as %j says', (info, trust) => {
    expect(of(info).trust).toEqual(trust);
  });

  it('trusts the certificate that was pinned at the verification', () => {
    expect(
      of({ redfish_pin_certificate: 'true' }, { redfish_pinned_certificate: 'cd'.repeat(32) }).trust,
    ).toEqual({
      by: 'pin',
      fingerprint: 'cd'.repeat(32),
    });
  });

  it.each([
    [
      { redfish_address: '' },
      "Missing the following Redfish properties in node's driver_info: ['redfish_address']",
    ],
    [{ redfish_address: 'ftp://bmc.example' }, 'redfish_address must be a URL'],
    [{ redfish_address: 'https://' }, 'redfish_address must be a URL'],
    [{ redfish_address: 'a b' }, 'redfish_address must be a URL'],
    [{ redfish_address: 5 }, 'redfish_address must be a URL'],
    [{ redfish_address: 'https://admin:secret@bmc.example' }, 'redfish_address must not hold a login'],
    [{ redfish_address: 'https://bmc.example/?x=1' }, 'redfish_address must be a URL'],
    [{ redfish_system_id: 5 }, 'redfish_system_id must be a text'],
    [{ redfish_system_id: '//elsewhere.example/x' }, 'redfish_system_id must be the path'],
    [{ redfish_username: ['x'] }, 'redfish_username must be a text'],
    [{ redfish_password: 'a\nb' }, 'redfish_password must be a text'],
    [{ redfish_verify_ca: 'relative.pem' }, 'redfish_verify_ca must be true, false or the absolute path'],
    [{ redfish_auth_type: 'digest' }, 'redfish_auth_type must be one of auto, session, basic'],
    [{ redfish_tls_minimum_version: '1.0' }, 'redfish_tls_minimum_version must be one of'],
    [{ redfish_tls_ciphers: 'a b' }, 'redfish_tls_ciphers must be'],
    [{ redfish_pin_certificate: 'ab' }, 'redfish_pin_certificate must be true or the SHA-256'],
  ])('refuses %j by its name', (info, message) => {
    expect(() => of(info)).toThrow(message);
  });

  it('names all faults at once, and no secret', () => {
    expect(() =>
      of({ redfish_auth_type: 'x', redfish_password: 'sec\u0000ret', redfish_verify_ca: 5 }),
    ).toThrow(/redfish_password.*redfish_verify_ca.*redfish_auth_type/s);
    expect(() => of({ redfish_password: 'sec\u0000ret' })).not.toThrow(/sec/);
  });
});

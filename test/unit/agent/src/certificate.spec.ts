import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeCertificate } from '../../../../agent/src/certificate.js';

describe('makeCertificate', () => {
  it.each([
    ['192.0.2.7', 'IP Address:192.0.2.7'],
    ['2001:db8::17', 'IP Address:2001:DB8:0:0:0:0:0:17'],
    ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
    ['2001:db8:1:2:3:4:5:6', 'IP Address:2001:DB8:1:2:3:4:5:6'],
    ['fe80::1%eth0', 'IP Address:FE80:0:0:0:0:0:0:1'],
  ])('is valid for %s and signed by its own key', (address, altName) => {
    const { certificate, privateKey } = makeCertificate(address, 'host');
    const parsed = new X509Certificate(certificate);
    expect(parsed.subjectAltName).toBe(altName);
    expect(parsed.verify(parsed.publicKey)).toBe(true);
    expect(parsed.checkPrivateKey(createPrivateKey(privateKey))).toBe(true);
    expect(parsed.checkIP(address.replace(/%.*/, ''))).toBeDefined();
    expect(parsed.checkIP('192.0.2.8')).toBeUndefined();
  });

  it('begins before now, for clocks that run behind', () => {
    const now = Date.UTC(2026, 0, 31, 12, 0, 0);
    const parsed = new X509Certificate(makeCertificate('192.0.2.7', 'host', now).certificate);
    expect(new Date(parsed.validFrom).getTime()).toBe(now - 3_600_000);
    expect(new Date(parsed.validTo).getTime()).toBe(now + 90 * 86_400_000);
  });

  it('writes years from 2050 on in the other form', () => {
    const now = Date.UTC(2049, 11, 31, 23, 0, 0);
    const parsed = new X509Certificate(makeCertificate('192.0.2.7', 'host', now).certificate);
    expect(new Date(parsed.validTo).getTime()).toBe(now + 90 * 86_400_000);
  });

  it('has a serial number of its own, and a common name that fits', () => {
    const certificates = Array.from({ length: 20 }, () => makeCertificate('192.0.2.7', 'h'.repeat(100)));
    const parsed = certificates.map(({ certificate }) => new X509Certificate(certificate));
    expect(new Set(parsed.map((one) => one.serialNumber)).size).toBe(20);
    expect(parsed[0]!.subject).toBe(`CN=${'h'.repeat(64)}`);
  });
});

import { describe, expect, it } from 'vitest';
import { imageSection } from '../../../../src/config/section/image.js';

const faults = (value: object) =>
  imageSection.safeParse(value).error?.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) ??
  [];

describe('imageSection', () => {
  it('has the defaults that Ironic and the seed name', () => {
    expect(imageSection.parse(undefined)).toMatchObject({
      allowed_file_paths: ['/var/lib/ironic', '/var/lib/ferric/images', '/images'],
      allow_md5_checksum: true,
      permitted_formats: ['raw', 'gpt', 'qcow2', 'iso'],
      cache_size_mib: 20_480,
      cache_ttl_minutes: 10_080,
      parallel_downloads: 20,
      glance: { url: null, auth: 'none' },
    });
  });

  it('every key says what it is', () => {
    const shape = imageSection.unwrap().shape;
    for (const [key, schema] of Object.entries(shape)) expect(schema.description, key).toBeTruthy();
  });

  it.each<[object, RegExp]>([
    [{ allow_md5: true }, /Unrecognized key/],
    [{ permitted_formats: ['qed'] }, /permitted_formats/],
    [{ permitted_formats: [] }, /permitted_formats/],
    [{ allowed_file_paths: ['images'] }, /allowed_file_paths/],
    [{ allowed_networks: ['127.0.0.1'] }, /allowed_networks/],
    [{ glance: { url: 'file:///x' } }, /glance.url/],
    [{ glance: { url: 'http://h', auth: 'http_basic', username: 'u' } }, /http_basic needs/],
    [{ glance: { url: 'http://h', auth: 'token' } }, /token needs/],
    [
      { server_credentials: [{ origin: 'https://h/path', username: 'u', password: 'p' }] },
      /scheme, host and port/,
    ],
    [{ server_credentials: [{ origin: 'https://h', username: 'u:x', password: 'p' }] }, /colon/],
  ])('refuses %j', (value, message) => {
    expect(faults(value).join('\n')).toMatch(message);
  });

  it('takes IPv6 networks and does not print secrets', () => {
    const parsed = imageSection.parse({
      allowed_networks: ['127.0.0.0/8', '::1/128'],
      server_credentials: [{ origin: 'https://h:8443', username: 'u', password: 'canary' }],
    });
    expect(JSON.stringify(parsed)).not.toContain('canary');
    expect(parsed.server_credentials[0]?.password.reveal()).toBe('canary');
  });
});

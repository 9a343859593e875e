import { describe, expect, it } from 'vitest';
import { InvalidError } from '../../../../src/domain/errors.js';
import { parseImageReference } from '../../../../src/domain/image/reference.js';

const ID = '0b9f3c1e-5c2a-4f6e-9d67-2f1d3c1f0a11';

describe('parseImageReference', () => {
  it.each<[string, object]>([
    [ID, { kind: 'glance', id: ID, href: `glance://${ID}` }],
    [ID.toUpperCase(), { kind: 'glance', id: ID }],
    [`glance://${ID}`, { kind: 'glance', id: ID, href: `glance://${ID}` }],
    ['http://my.server.net/images/img', { kind: 'http', url: 'http://my.server.net/images/img' }],
    ['HTTPS://My.Server.net:8443/a?b=c#d', { kind: 'http', url: 'https://my.server.net:8443/a?b=c' }],
    ['http://0x7f.1/x', { kind: 'http', url: 'http://127.0.0.1/x' }],
    ['http://[::1]/x', { kind: 'http', url: 'http://[::1]/x' }],
    ['file:///images/img', { kind: 'file', path: '/images/img', href: 'file:///images/img' }],
    ['file://localhost/images/a%20b', { kind: 'file', path: '/images/a b' }],
  ])('%s', (value, expected) => {
    expect(parseImageReference(value, 'image_source')).toMatchObject(expected);
  });

  it.each<[unknown, RegExp]>([
    ['', /non-empty string/],
    [7, /non-empty string/],
    [null, /non-empty string/],
    ['debian', /must be an Image service UUID/],
    ['/images/img', /must be an Image service UUID/],
    ['ftp://host/x', /must be an Image service UUID/],
    ['json:{"driver":"nbd"}', /must be an Image service UUID/],
    ['nbd:unix:/tmp/x', /must be an Image service UUID/],
    ['javascript:alert(1)', /must be an Image service UUID/],
    ['oci://host/x', /oci:.. images are not supported/],
    ['glance://debian', /followed by an image UUID/],
    [`glance:${ID}`, /followed by an image UUID/],
    ['http://', /not a valid URL/],
    ['http:///etc/passwd', /not a valid URL/],
    ['http:host/x', /not a valid URL/],
    ['http://host\\@evil/', /not a valid URL/],
    ['http://[::1/x', /not a valid URL/],
    ['http://user:canary@host/x', /must not contain a user name/],
    ['http://host/a b', /a space/],
    ['http://host/a\n#!ipxe', /control character/],
    ['http://host/\u0000', /control character/],
    ['http://h\u24de\u24e2t/x', /not ASCII/],
    [`http://host/${'x'.repeat(5000)}`, /longer than/],
    ['file:images/x', /absolute path/],
    ['file://host/images/x', /absolute path/],
    ['file:///images/x?y', /without \?/],
    ['file:///images/x#y', /without \?/],
    ['file:///images/../etc/passwd', /"\.\." segment/],
    ['file:///images/%2e%2e/etc/passwd', /"\.\." segment/],
    ['file:///images/.%2E/x', /"\.\." segment/],
    ['file:///images%2f..%2fetc/passwd', /"\.\." segment/],
    ['file:///images/./x', /segment/],
    ['file:////etc/passwd', /segment/],
    ['file:///images/', /segment/],
    ['file:///images/%00', /NUL/],
    ['file:///images/%zz', /percent sign/],
    ['file:///images/%ff', /percent sign/],
  ])('refuses %j', (value, message) => {
    const parse = () => parseImageReference(value, 'deploy_kernel');
    expect(parse).toThrow(InvalidError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^deploy_kernel: /);
    expect(parse).not.toThrow(/canary/);
  });
});
